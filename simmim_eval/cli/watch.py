"""A suite seen from the terminal: bars while it runs, a line for each run that ends, its state at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import TaskID

from simmim_eval.cli.progress import bars
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.launch.executors import Event, build_executor
from simmim_eval.launch.executors.local import plan_in_child
from simmim_eval.launch.leftover import find_leftovers
from simmim_eval.launch.lock import holder, locked
from simmim_eval.launch.plan import PlannedRun, keep_plan, kept_plan, plan_suite
from simmim_eval.launch.preflight import preflight
from simmim_eval.launch.run import make_folder, work_dir
from simmim_eval.launch.schedule import run_all
from simmim_eval.launch.suite import read_suite
from simmim_eval.results.store import Store

__all__ = ["Failure", "Place", "SuiteRequest", "clean_suite", "run_suite", "show_failures", "show_status"]

ANOTHER = "another suite"


@dataclass(frozen=True)
class Place:
    """Where runs execute, as the options say: see :func:`~simmim_eval.launch.executors.build_executor`."""

    executor: str = "local"
    jobs: int | None = None
    processes: int = 1
    slurm_args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SuiteRequest:
    """Which suite, on which data, in which folder.

    Attributes:
        name: A file, or a name inside the package's ``configs/``.
        data_root: Folder of the data.
        root: Where records, attempts and runs go.
        seeds: Fine-tuning seeds; None: the suite's.
        options: ``--cfg-options`` for every recipe.
        checkpoints: ``KIND=CHECKPOINT``, given instead of a pre-training.
    """

    name: str
    data_root: Path
    root: Path
    seeds: int | None
    options: Mapping[str, Any]
    checkpoints: tuple[str, ...] = ()

    def plan(self, here: bool = False) -> list[PlannedRun]:
        """All runs of the suite; ``here``: planned in this process.

        Raises:
            UserError: Something is wrong with the suite, its recipes or the data.
        """
        given = [InitSource.parse(text) for text in self.checkpoints]
        suite = read_suite(self.name, {init.kind: init.source for init in given if init.source})
        planner = plan_suite if here else plan_in_child
        return planner(suite, self.data_root, self.seeds, self.options)


@dataclass(frozen=True)
class Failure:
    """A run that did not complete, why, and where its output is."""

    run: PlannedRun
    reason: str
    output: Path


def run_suite(request: SuiteRequest, place: Place) -> list[Failure]:
    """Plan, run what is missing, and return the runs that did not complete.

    Raises:
        UserError: Something is wrong with the suite, the place or the folder, or another suite is at work there.
    """
    root = request.root
    console, store = Console(), Store(root)
    executor = build_executor(place.executor, store, place.jobs, place.processes, place.slurm_args)
    if holder(root)[1]:
        _refuse(root)  # before the planning, which takes its time
    with console.status("planning"):
        plan = request.plan(here=place.executor == "debug")
    make_folder(root)
    with locked(root, ANOTHER):
        keep_plan(request.name, plan, root)
        done = sum(store.has(run.run_id) for run in plan)
        console.print(preflight(plan, store, executor.jobs), highlight=False)
        with bars(console) as progress:
            overall = progress.add_task("suite", total=len(plan), completed=done)
            running: dict[str, TaskID] = {}

            def watch(event: Event) -> None:
                key = event.run.run_id
                if event.kind == "started":
                    running[key] = progress.add_task(event.run.label, total=None)
                elif event.kind == "progress":
                    description = f"{event.run.label} ({event.stage})"
                    progress.update(running[key], description=description, completed=event.done, total=event.total)
                else:
                    _ended(console, store, event)
                    if key in running:
                        progress.remove_task(running.pop(key))
                    progress.advance(overall)

            failed = run_all(plan, store, executor, watch)
    return [Failure(run, failed[run.run_id], executor.output(run.run_id)) for run in plan if run.run_id in failed]


def show_failures(failed: Sequence[Failure]) -> None:
    """Say on the error stream what did not complete, why, and where to look."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, style="red")
    console.print(f"{len(failed)} runs did not complete; the same command tries them again", markup=False)
    for one in failed:
        console.print(f"  {one.run.run_id}  {one.run.label}: {one.reason}", markup=False)
        if one.output.exists():
            console.print(f"    its output: {one.output}", markup=False)


def show_status(request: SuiteRequest) -> None:
    """One line a run: id, state, label, and the last error of a failed one."""
    console, store = Console(), Store(request.root)
    with console.status("planning"):
        plan = request.plan()
    for run in plan:
        state, error = _state(store, run.run_id)
        console.print(f"{run.run_id}  {state:<11} {run.label}{error}", highlight=False, markup=False, soft_wrap=True)


def clean_suite(name: str, root: Path, yes: bool, weights: bool, unplanned: bool) -> None:
    """List what a suite left, a line each with its size, and remove it if told to.

    Raises:
        UserError: The suite never ran there, or one is at work there.
    """
    console, store = Console(), Store(root)
    kept_plan(name, root)  # or this is no folder of that suite
    with locked(root, ANOTHER):
        found = [(one, one.size) for one in find_leftovers(name, store, weights=weights, unplanned=unplanned)]
        for one, size in found:
            mark = ("removed " if yes else "goes    ") if one.goes else "stays   "
            hint = "" if one.goes else f"; {one.option} removes it"
            line = f"{mark} {decimal(size):>9}  {one.path}  ({one.why}{hint})"
            if yes and one.goes:
                one.remove()
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    total = decimal(sum(size for one, size in found if one.goes))
    console.print(f"{total} {'removed' if yes else 'to remove; nothing is removed without --yes'}", highlight=False)


def _refuse(root: Path) -> None:
    with locked(root, ANOTHER):
        pass  # it has ended just now


def _state(store: Store, run_id: str) -> tuple[str, str]:
    """``done``, ``running``, ``failed`` with its error, ``interrupted``, or ``waiting``."""
    if store.has(run_id):
        return "done", ""
    who, alive = holder(work_dir(store, run_id))
    if alive:
        return "running", f" ({who})" if who else ""
    if who:
        return "interrupted", f": killed ({who})"
    attempts = store.attempts(run_id)
    if not attempts or attempts[-1].status == "completed":  # completed, and its record was taken away
        return "waiting", ""
    return attempts[-1].status, f": {attempts[-1].error}" if attempts[-1].error else ""


def _ended(console: Console, store: Store, event: Event) -> None:
    if event.kind != "completed":
        console.print(f"{event.kind:<9} {event.run.label}: {event.error}", style="red", markup=False, soft_wrap=True)
        return
    record = store.read(event.run.run_id)
    primary = next(metric for metric in record.metrics if metric.primary)
    seconds, value = f"{record.cost.seconds:.0f} s", f"{primary.name} {primary.value:.2f}"
    console.print(f"completed {event.run.label}: {value}, {seconds}", highlight=False)
