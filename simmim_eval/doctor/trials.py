"""Imports of what is installed, in child processes, so that a crash or a hang of one library is only its own."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from simmim_eval.doctor import child
from simmim_eval.doctor.inventory import Inventory

__all__ = ["CHAINS", "GPU", "Outcome", "Trial", "choose_chains", "run_chains", "run_trials"]

GPU = child.GPU
WAKES = 0.2  # seconds between two looks at ``stop``
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONFAULTHANDLER": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Trial:
    """A module to import (or ``gpu``), and the trials without which it need not be tried."""

    module: str
    needs: tuple[str, ...] = ()


# Each chain runs beside the others, in one process as long as nothing fails: torch is imported once.
CHAINS: tuple[tuple[Trial, ...], ...] = (
    (
        Trial("torch"),
        Trial("torchvision", ("torch",)),
        Trial(GPU, ("torch",)),
        Trial("mmengine.runner", ("torch",)),
        Trial("mmcv.ops", ("mmengine.runner", "torchvision")),
        Trial("mmdet.models", ("mmcv.ops",)),
        Trial("mmseg.models", ("mmcv.ops",)),
        Trial("mmaction.models", ("mmcv.ops",)),
        Trial("timm", ("torch", "torchvision")),
        Trial("simmim_eval.backbones", ("timm", "mmcv.ops")),
    ),
    (
        Trial("numpy"),
        Trial("cv2", ("numpy",)),
        Trial("scipy.optimize", ("numpy",)),
        Trial("pycocotools.mask", ("numpy",)),
        Trial("PIL.Image"),
        Trial("av"),
        Trial("matplotlib.pyplot", ("numpy",)),
        Trial("skimage", ("numpy",)),
        Trial("sklearn", ("numpy", "scipy.optimize")),
        Trial("pkg_resources"),
        Trial("importlib_metadata"),
        Trial("ftfy"),
        Trial("regex"),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        module: As in the trial.
        seconds: How long it took.
        error: Traceback, or how the process ended, or an empty string if all went well.
        printed: What it wrote to either stream.
        facts: See :func:`simmim_eval.doctor.child.gpu_facts`.
        waits_for: The failed trial because of which this one was left out, or an empty string.
    """

    module: str
    seconds: float = 0.0
    error: str = ""
    printed: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    waits_for: str = ""


def choose_chains(inventory: Inventory) -> list[tuple[Trial, ...]]:
    """What there is to import; decord only where it is installed, as nothing of ours needs it."""
    optional = (Trial("decord", ("numpy",)),) if inventory.version("decord") else ()
    return [*CHAINS[:-1], (*CHAINS[-1], *optional)]


def run_chains(
    chains: Sequence[Sequence[Trial]], limit: float, progress: Callable[[str], None] = lambda module: None
) -> list[Outcome]:
    """Run the chains side by side.

    Args:
        chains: Trials in order.
        limit: Seconds that one trial may take.
        progress: Told the module of each trial as it ends, by several threads.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(len(chains)) as pool:
        try:
            done = list(pool.map(lambda trials: run_trials(trials, limit, progress, stop), chains))
        finally:
            stop.set()  # or Ctrl-C would wait for the threads
    return [outcome for chain in done for outcome in chain]


def run_trials(
    trials: Sequence[Trial], limit: float, progress: Callable[[str], None], stop: threading.Event
) -> list[Outcome]:
    """Run one chain, in as many processes as there are failures plus one, until ``stop`` is set."""
    outcomes: list[Outcome] = []
    failed: dict[str, str] = {}  # module -> the first failure behind it
    waiting = list(trials)
    while waiting and not stop.is_set():
        blocked = next((trial for trial in waiting if failed.keys() & set(trial.needs)), None)
        if blocked:
            cause = next(failed[need] for need in blocked.needs if need in failed)
            failed[blocked.module] = cause
            outcomes.append(Outcome(blocked.module, waits_for=cause))
            waiting.remove(blocked)
            progress(blocked.module)
            continue
        for outcome in _run_child([trial.module for trial in waiting], limit, progress, stop):
            outcomes.append(outcome)
            if outcome.error:
                failed[outcome.module] = outcome.module
        tried = {outcome.module for outcome in outcomes}
        waiting = [trial for trial in waiting if trial.module not in tried]
    return outcomes


def _run_child(
    modules: Sequence[str], limit: float, progress: Callable[[str], None], stop: threading.Event
) -> list[Outcome]:
    """The outcomes up to and with the first failure; at least one."""
    command = [sys.executable, str(Path(child.__file__)), json.dumps(sys.path), *modules]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryFile("w+b") as printed:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=printed,
            env=os.environ | ENVIRONMENT,
            start_new_session=True,
        )
        assert process.stdout is not None
        lines = _Lines(process.stdout, stop)
        try:
            current, start, since = modules[0], 0, time.monotonic()
            while line := lines.read(limit - (time.monotonic() - since)):
                event = json.loads(line)
                if "begins" in event:
                    current, start, since = event["begins"], event["printed"], time.monotonic()
                    continue
                text = _slice(printed, start, event["printed"])
                outcomes.append(Outcome(current, event["seconds"], event["error"], text, event["facts"]))
                progress(current)
            ending = f"did not end within {limit:g} s" if line is None else _ending(process.wait())
        finally:
            _kill(process)
        if len(outcomes) < len(modules) and not (outcomes and outcomes[-1].error):
            outcomes.append(Outcome(current, time.monotonic() - since, ending, _slice(printed, start, None)))
            progress(current)
    return outcomes


class _Lines:
    """Lines of a pipe, with a time limit."""

    def __init__(self, pipe: IO[bytes], stop: threading.Event) -> None:
        self._pipe, self._stop, self._rest = pipe, stop, b""

    def read(self, seconds: float) -> bytes | None:
        """The next line; empty at the end; None where the time is up or ``stop`` is set."""
        end = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or self._stop.is_set():
                return None
            if select.select([self._pipe], [], [], min(left, WAKES))[0]:
                read = os.read(self._pipe.fileno(), 1 << 16)
                if not read:
                    return b""
                self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return line


def _ending(code: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
    return f"the process {how}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _slice(file: IO[bytes], start: int, end: int | None) -> str:
    data = os.pread(file.fileno(), (end if end is not None else os.fstat(file.fileno()).st_size) - start, start)
    return data.decode("utf-8", "replace")
