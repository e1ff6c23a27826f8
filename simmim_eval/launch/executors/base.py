"""The one contract of all places where runs execute, and what a watcher is told."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import OUTPUT_FILE, work_dir
from simmim_eval.results.store import Store

__all__ = ["Event", "Executor", "Tell", "describe_exit"]


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


Tell = Callable[[Event], None]


class Executor(ABC):
    """A place where runs execute, a few at a time.

    Each run goes through :func:`simmim_eval.launch.run.complete` there, so that records and attempts lie in the store
    whatever the place.

    Args:
        store: Where records and attempts go.
        jobs: Runs at once.
    """

    def __init__(self, store: Store, jobs: int) -> None:
        self.store = store
        self.jobs = jobs

    @abstractmethod
    def running(self) -> int:
        """How many runs were started and have not ended."""

    @abstractmethod
    def start(self, run: PlannedRun) -> None:
        """Start a run whose needs are recorded."""

    @abstractmethod
    def wait(self, tell: Tell) -> None:
        """Block until there is news of at least one run, or for a moment; ``progress``, ``completed`` or ``failed``."""

    @abstractmethod
    def stop(self) -> None:
        """End what still runs, and give it the time to write down that it was interrupted."""

    def output(self, run_id: str) -> Path:
        """Where what a run prints can be read."""
        return work_dir(self.store, run_id) / OUTPUT_FILE


def describe_exit(code: int) -> str:
    """How a process ended, in words; a negative code is the signal that killed it."""
    if code < 0:
        return f"the process was killed by signal {-code}" + (" (out of memory?)" if code == -9 else "")
    return f"the process ended with exit code {code}"
