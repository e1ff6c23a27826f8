"""Runs one after the other in this process: for tests, and for a debugger."""

from pathlib import Path

from simmim_eval.launch.executors.base import Event, Executor, Tell
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import complete, work_dir
from simmim_eval.results.store import Store

__all__ = ["Debug"]


class Debug(Executor):
    """What a run prints goes where the suite prints; a breakpoint in it is reached."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, jobs=1)
        self._runs: list[PlannedRun] = []

    def running(self) -> int:
        return len(self._runs)

    def start(self, run: PlannedRun) -> None:
        self._runs.append(run)

    def wait(self, tell: Tell) -> None:
        run = self._runs.pop()
        try:
            complete(run, self.store, lambda stage, done, total: tell(Event("progress", run, stage, done, total)))
        except Exception as error:
            tell(Event("failed", run, error=str(error)))
        else:
            tell(Event("completed", run))

    def stop(self) -> None:
        self._runs.clear()

    def output(self, run_id: str) -> Path:
        return work_dir(self.store, run_id)
