"""A suite seen from the terminal: bars while it runs, a line for each run that ends, its state at any time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import TaskID

from simmim_eval.cli.progress import bars
from simmim_eval.launch.local import Event, plan_in_child, run_all
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.suite import read_suite
from simmim_eval.results.store import Store

__all__ = ["run_suite", "show_failures", "show_status"]


def run_suite(
    name: str, data_root: Path, work_dir: Path, seeds: int, jobs: int, options: Mapping[str, Any]
) -> list[tuple[PlannedRun, str]]:
    """Plan, run what is missing, and return the runs that did not complete with their reasons."""
    console, store = Console(), Store(work_dir)
    with console.status("planning"):
        plan = plan_in_child(read_suite(name), data_root, seeds, options)
    done = sum(store.has(run.run_id) for run in plan)
    console.print(f"{len(plan)} runs, {done} done already", highlight=False)
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

        failed = run_all(plan, store, jobs, watch)
    return [(run, failed[run.run_id]) for run in plan if run.run_id in failed]


def show_failures(failed: Sequence[tuple[PlannedRun, str]], work_dir: Path) -> None:
    """Say on the error stream what did not complete, why, and where to look."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, style="red")
    console.print(f"{len(failed)} runs did not complete; the same command tries them again", markup=False)
    for run, reason in failed:
        console.print(f"  {run.run_id}  {run.label}: {reason}", markup=False)
    console.print(f"their output: {work_dir / 'runs' / 'ID' / 'console.log'}", markup=False)


def show_status(name: str, data_root: Path, work_dir: Path, seeds: int, options: Mapping[str, Any]) -> None:
    """One line a run: id, state, label, and the last error of a failed one."""
    console, store = Console(), Store(work_dir)
    with console.status("planning"):
        plan = plan_in_child(read_suite(name), data_root, seeds, options)
    for run in plan:
        state, error = _state(store, run.run_id)
        console.print(f"{run.run_id}  {state:<11} {run.label}{error}", highlight=False, markup=False, soft_wrap=True)


def _state(store: Store, run_id: str) -> tuple[str, str]:
    """``done``, ``failed`` with its error, ``interrupted``, or ``waiting``."""
    attempts = store.attempts(run_id)
    if store.has(run_id):
        return "done", ""
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
