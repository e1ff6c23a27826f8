"""Runs on this machine's processors: children of a fork server that has the libraries loaded, a few at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from simmim_eval.errors import UserError
from simmim_eval.launch.attempt import attempt
from simmim_eval.launch.child import plan_child, run_child, start
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import make_folder
from simmim_eval.launch.suite import Suite
from simmim_eval.records import utc_now
from simmim_eval.results.store import Store

__all__ = ["Event", "plan_in_child", "run_all"]

PATIENCE = 10  # seconds that a child has to write down that it was interrupted


@dataclass(frozen=True)
class Event:
    """What a watcher of a suite is told.

    Attributes:
        kind: ``started``, ``progress``, ``completed``, ``failed`` or ``skipped``.
        run: The run it is about.
        stage: Of ``progress``: ``train`` or ``test``.
        done: Of ``progress``: steps done.
        total: Of ``progress``: steps in all.
        error: Of ``failed`` and ``skipped``: why.
    """

    kind: str
    run: PlannedRun
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str = ""


@dataclass(frozen=True)
class _Running:
    run: PlannedRun
    process: BaseProcess
    started: str


def plan_in_child(suite: Suite, data_root: Path, seeds: int, options: Mapping[str, Any]) -> list[PlannedRun]:
    """:func:`~simmim_eval.launch.plan.plan_suite` in a child of the server; it also proves that the preload worked.

    Raises:
        UserError: As ``plan_suite``.
    """
    process, connection = start(plan_child, (suite, data_root, seeds, dict(options)))
    try:
        kind, value = connection.recv()
    except EOFError:
        raise UserError(f"{suite.path}: {_death(process)} while planning. Nothing has run.") from None
    process.join()
    if kind == "error":
        raise UserError(value)
    plan: list[PlannedRun] = value
    return plan


def run_all(plan: list[PlannedRun], store: Store, jobs: int, watch: Callable[[Event], None]) -> dict[str, str]:
    """Run what the store lacks, ``jobs`` at a time, each in one thread; a failure stops only what needs it.

    Returns:
        For each run that did not complete its id and the reason; empty when all is done.

    Raises:
        UserError: The store's folder cannot be written.
    """
    make_folder(store.root)
    waiting = [run for run in plan if not store.has(run.run_id)]
    failed: dict[str, str] = {}
    running: dict[Connection, _Running] = {}
    try:
        while waiting or running:
            _skip_hopeless(waiting, failed, watch)
            for run in [run for run in waiting if all(map(store.has, run.needs))][: jobs - len(running)]:
                waiting.remove(run)
                process, connection = start(run_child, (run, store.root))
                running[connection] = _Running(run, process, utc_now())
                watch(Event("started", run))
            ready = wait(list(running))
            for connection in [connection for connection in running if connection in ready]:
                _receive(connection, running, store, failed, watch)
    finally:
        _stop([one.process for one in running.values()])
    return failed


def _skip_hopeless(waiting: list[PlannedRun], failed: dict[str, str], watch: Callable[[Event], None]) -> None:
    for run in [run for run in waiting if any(need in failed for need in run.needs)]:
        waiting.remove(run)
        failed[run.run_id] = "not run: it needs a run that failed"
        watch(Event("skipped", run, error=failed[run.run_id]))


def _receive(
    connection: Connection,
    running: dict[Connection, _Running],
    store: Store,
    failed: dict[str, str],
    watch: Callable[[Event], None],
) -> None:
    one = running[connection]
    try:
        kind, value = connection.recv()
    except EOFError:
        kind, value = "error", _death(one.process)
        run = one.run
        store.add_attempt(attempt(run.run_id, run.task, run.title, run.request, "failed", one.started, value))
    if kind == "progress":
        watch(Event("progress", one.run, *value))
        return
    one.process.join()
    del running[connection]
    if kind == "error":
        failed[one.run.run_id] = value
        watch(Event("failed", one.run, error=value))
    else:
        watch(Event("completed", one.run))


def _stop(processes: list[BaseProcess]) -> None:
    """Interrupt what still runs, and wait until its attempt is written."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(PATIENCE)
        process.kill()


def _death(process: BaseProcess) -> str:
    """How a process ended that no longer answers."""
    process.join()
    code = process.exitcode or 0
    if code < 0:
        return f"the process was killed by signal {-code}" + (" (out of memory?)" if code == -9 else "")
    return f"the process ended with exit code {code}"
