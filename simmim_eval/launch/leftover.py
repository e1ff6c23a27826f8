"""What a suite's folder keeps that nothing needs any more, and the rule for what may go.

A record, an attempt, a log, and what a record names (its ``last.pth``, predictions, pictures) stay. What goes:
checkpoints on the way of completed runs, and files that a killed process had half written. Only where it is asked for:
the last weights of completed runs that no run of the suite starts from, and folders of runs that are neither planned
nor recorded. A folder in which a process is at work is left alone, and so is every planned run that has no record:
it may go on from its checkpoints.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simmim_eval.engine.checkpoint import BEST, LEFTOVERS, ON_THE_WAY, POINTER
from simmim_eval.launch.lock import holder, locked
from simmim_eval.launch.plan import kept_plan
from simmim_eval.launch.run import work_dir
from simmim_eval.results.store import Store

__all__ = ["Leftover", "find_leftovers"]

NEEDLESS = (*ON_THE_WAY, BEST, POINTER, *LEFTOVERS)
AGE = 3600  # seconds; what is being written at this moment is younger


@dataclass(frozen=True)
class Leftover:
    """Something that may go.

    Attributes:
        path: A file or a folder.
        why: What it is.
        goes: False for what is shown only; ``option`` then removes it.
        option: The option that it takes.
    """

    path: Path
    why: str
    goes: bool = True
    option: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        files = self.path.rglob("*") if self.path.is_dir() else (self.path,)
        return sum(path.lstat().st_size for path in files if not path.is_dir())

    def remove(self) -> None:
        """Take it away.

        Raises:
            UserError: It is the folder of a run, and a process has begun to work there.
        """
        if not self.path.is_dir():
            self.path.unlink(missing_ok=True)
            return
        with locked(self.path, "another process"):
            shutil.rmtree(self.path)


def find_leftovers(suite: str, store: Store, *, weights: bool = False, unplanned: bool = False) -> list[Leftover]:
    """What of a suite's folder may go, in the order of paths.

    Args:
        suite: As it was given to ``suite run``.
        store: Its records; the caller holds the folder's lock.
        weights: Also the last weights that no run of the suite starts from.
        unplanned: Also folders of runs that are neither planned nor recorded.

    Raises:
        UserError: The suite never ran there.
    """
    plan = kept_plan(suite, store.root)
    others = {path.stem for path in (store.root / "plans").glob("[!.]*.json")}
    planned = set(plan).union(*(kept_plan(name, store.root) for name in others))
    needed = {need for name in {suite, *others} for needs in kept_plan(name, store.root).values() for need in needs}
    found = [*_half_written(store.root)]
    for folder in sorted((store.root / "runs").glob("*/")):
        if holder(folder)[1]:
            continue
        if store.has(folder.name):
            on_the_way = sorted(path for pattern in NEEDLESS for path in folder.glob(pattern))
            found += [Leftover(path, "on the way of a completed run") for path in on_the_way]
            if folder.name in plan and folder.name not in needed:
                found += _weights(store, folder.name, weights)
        elif folder.name not in planned:
            found.append(Leftover(folder, "a run that no suite here plans, without a record", unplanned, "--unplanned"))
    return found


def _weights(store: Store, run_id: str, asked: bool) -> Iterator[Leftover]:
    name = store.read(run_id).artifacts.get("checkpoint")
    path = store.root / name if name else None
    if path is not None and path.is_file() and path.resolve().is_relative_to(work_dir(store, run_id)):
        yield Leftover(path, "weights that no run of the suite starts from", asked, "--weights")


def _half_written(root: Path) -> Iterator[Leftover]:
    now = time.time()
    for pattern in ("records/.*.json.*", "attempts/*/.*.json.*", "plans/.*.json.*"):
        for path in sorted(root.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > AGE:
                    yield Leftover(path, "half written by a process that was killed")
