"""The runs of a plan in an order that their needs allow, on any executor; what fails stops only what needs it."""

from simmim_eval.errors import UserError
from simmim_eval.launch.executors.base import Event, Executor, Tell
from simmim_eval.launch.lock import locked
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import PATIENCE, add_failure, make_folder, work_dir
from simmim_eval.records import utc_now
from simmim_eval.results.store import Store

__all__ = ["run_all"]


def run_all(plan: list[PlannedRun], store: Store, executor: Executor, watch: Tell) -> dict[str, str]:
    """Run what the store lacks; runs that were interrupted go on, and what is cited is written down.

    Returns:
        For each run that did not complete its id and the reason; empty when all is done. Each has an attempt, also
        where a process died too fast to write one.

    Raises:
        UserError: The store's folder cannot be written.
    """
    make_folder(store.root)
    for run in plan:
        if run.cited and not store.has(run.run_id):
            store.add(run.cited)
    waiting = [run for run in plan if not store.has(run.run_id)]
    failed: dict[str, str] = {}
    before: dict[str, tuple[int, str]] = {}  # attempts and time when a run was started

    def tell(event: Event) -> None:
        if event.kind == "failed":
            attempts, started = before[event.run.run_id]
            error = event.error
            if len(store.attempts(event.run.run_id)) == attempts:
                error += _keep_death(event.run, store, started, error)
            failed[event.run.run_id] = error
            event = Event("failed", event.run, error=error)
        watch(event)

    try:
        while waiting or executor.running():
            _skip_hopeless(waiting, failed, watch)
            ready = [run for run in waiting if all(map(store.has, run.needs))]
            for run in ready[: executor.jobs - executor.running()]:
                waiting.remove(run)
                before[run.run_id] = len(store.attempts(run.run_id)), utc_now()
                watch(Event("started", run))
                executor.start(run)
            if executor.running():
                executor.wait(tell)
    finally:
        executor.stop()
    return failed


def _skip_hopeless(waiting: list[PlannedRun], failed: dict[str, str], watch: Tell) -> None:
    for run in [run for run in waiting if any(need in failed for need in run.needs)]:
        waiting.remove(run)
        failed[run.run_id] = "not run: it needs a run that failed"
        watch(Event("skipped", run, error=failed[run.run_id]))


def _keep_death(run: PlannedRun, store: Store, started: str, error: str) -> str:
    """The attempt of a process that died; the lock is taken so that no later run tells of the death again."""
    folder = work_dir(store, run.run_id)
    try:
        make_folder(folder)
        with locked(folder, "another process", PATIENCE):
            add_failure(run, store, started, error)
    except UserError as fault:
        return f"; no attempt of it is kept: {fault}"
    return ""
