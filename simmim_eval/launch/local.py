"""Runs on this machine's processors: children of a fork server that has the libraries loaded, a few at a time."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from simmim_eval.errors import UserError
from simmim_eval.launch.plan import PlannedRun, plan_suite
from simmim_eval.launch.suite import Suite
from simmim_eval.results.store import Store

__all__ = ["Event", "plan_in_child", "run_all"]

PRELOAD = "simmim_eval.launch.preload"


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


def plan_in_child(suite: Suite, data_root: Path, seeds: int, options: Mapping[str, Any]) -> list[PlannedRun]:
    """:func:`~simmim_eval.launch.plan.plan_suite` in a child of the server; it also proves that the preload worked.

    Raises:
        UserError: As ``plan_suite``.
    """
    process, connection = _start(_server(), _plan_child, (suite, data_root, seeds, dict(options)))
    try:
        kind, value = connection.recv()
    except EOFError:
        process.join()
        raise UserError(f"{suite.path}: the planning process ended with exit code {process.exitcode}.") from None
    process.join()
    if kind == "error":
        raise UserError(value)
    plan: list[PlannedRun] = value
    return plan


def run_all(plan: list[PlannedRun], store: Store, jobs: int, watch: Callable[[Event], None]) -> dict[str, str]:
    """Run what the store lacks, ``jobs`` at a time, each in one thread; a failure stops only what needs it.

    Returns:
        For each run that did not complete its id and the reason; empty when all is done.
    """
    context = _server()
    waiting = [run for run in plan if not store.has(run.run_id)]
    failed: dict[str, str] = {}
    running: dict[Connection, tuple[PlannedRun, BaseProcess]] = {}
    try:
        while waiting or running:
            _skip_hopeless(waiting, failed, watch)
            for run in [run for run in waiting if all(map(store.has, run.needs))][: jobs - len(running)]:
                waiting.remove(run)
                process, connection = _start(context, _run_child, (run, store.root))
                running[connection] = (run, process)
                watch(Event("started", run))
            ready = wait(list(running))
            for connection in [connection for connection in running if connection in ready]:
                _receive(connection, running, failed, watch)
    finally:
        for _, process in running.values():
            process.terminate()
    return failed


def _skip_hopeless(waiting: list[PlannedRun], failed: dict[str, str], watch: Callable[[Event], None]) -> None:
    for run in [run for run in waiting if any(need in failed for need in run.needs)]:
        waiting.remove(run)
        failed[run.run_id] = "not run: it needs a run that failed"
        watch(Event("skipped", run, error=failed[run.run_id]))


def _receive(
    connection: Connection,
    running: dict[Connection, tuple[PlannedRun, BaseProcess]],
    failed: dict[str, str],
    watch: Callable[[Event], None],
) -> None:
    run, process = running[connection]
    try:
        kind, value = connection.recv()
    except EOFError:
        process.join()
        kind, value = "error", f"the process ended with exit code {process.exitcode}"
    if kind == "progress":
        watch(Event("progress", run, *value))
        return
    process.join()
    del running[connection]
    if kind == "error":
        failed[run.run_id] = value
        watch(Event("failed", run, error=value))
    else:
        watch(Event("completed", run))


def _server() -> ForkServerContext:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    return context


def _start(
    context: ForkServerContext, target: Callable[..., None], arguments: tuple[Any, ...]
) -> tuple[BaseProcess, Connection]:
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(sender, *arguments))
    process.start()
    sender.close()
    return process, receiver


def _plan_child(sender: Connection, *arguments: Any) -> None:
    _report(sender, lambda: plan_suite(*arguments))


def _run_child(sender: Connection, run: PlannedRun, store_root: Path) -> None:
    import torch

    from simmim_eval.launch.run import run as run_one
    from simmim_eval.launch.run import work_dir

    torch.set_num_threads(1)
    store = Store(store_root)
    folder = work_dir(store, run.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "console.log", "a") as console:
        os.dup2(console.fileno(), sys.stdout.fileno())
        os.dup2(console.fileno(), sys.stderr.fileno())

    def progress(stage: str, done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            sender.send(("progress", (stage, done, total)))

    def complete() -> None:
        run_one(run.request, store, progress=progress)

    _report(sender, complete)


def _report(sender: Connection, work: Callable[[], Any]) -> None:
    """Send what ``work`` returns, or what a user needs to know of its failure."""
    if PRELOAD not in sys.modules:
        import simmim_eval.launch.preload  # noqa: F401  the server swallows an ImportError; here it shows
    try:
        sender.send(("done", work()))
    except UserError as error:
        sender.send(("error", str(error)))
    except Exception as error:
        traceback.print_exc()
        sender.send(("error", f"{type(error).__name__}: {error}"))
