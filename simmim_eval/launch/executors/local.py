"""Runs on this machine's processors: children of a fork server that has the libraries loaded, a few at a time."""

from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from simmim_eval.errors import UserError
from simmim_eval.launch.executors.base import Event, Executor, Tell, describe_exit
from simmim_eval.launch.executors.child import plan_child, run_child, start
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.suite import Suite
from simmim_eval.results.store import Store

__all__ = ["Local", "plan_in_child"]

PATIENCE = 10  # seconds that a child has to write down that it was interrupted
SERVER_GONE = 255  # what multiprocessing gives for a child whose server it cannot ask


class Local(Executor):
    """One child and one thread a run; a child that dies is a failed run, and so is one whose server is killed."""

    def __init__(self, store: Store, jobs: int) -> None:
        super().__init__(store, jobs)
        self._children: dict[Connection, tuple[PlannedRun, BaseProcess]] = {}

    def running(self) -> int:
        return len(self._children)

    def start(self, run: PlannedRun) -> None:
        process, connection = start(run_child, (run, self.store.root))
        self._children[connection] = (run, process)

    def wait(self, tell: Tell) -> None:
        """Block until a child tells something or dies."""
        ready = wait(list(self._children))
        for connection in [connection for connection in self._children if connection in ready]:
            run, process = self._children[connection]
            try:
                kind, value = connection.recv()
            except (EOFError, ConnectionError):
                kind, value = "error", _death(process)
            if kind == "progress":
                tell(Event("progress", run, *value))
                continue
            process.join()
            del self._children[connection]
            tell(Event("failed", run, error=value) if kind == "error" else Event("completed", run))

    def stop(self) -> None:
        processes = [process for _, process in self._children.values()]
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(PATIENCE)
            process.kill()


def plan_in_child(suite: Suite, data_root: Path, seeds: int | None, options: Mapping[str, Any]) -> list[PlannedRun]:
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


def _death(process: BaseProcess) -> str:
    """How a process ended that no longer answers."""
    process.join()
    code = process.exitcode or 0
    if code == SERVER_GONE:
        return "the process was killed together with the server it came from"
    return describe_exit(code)
