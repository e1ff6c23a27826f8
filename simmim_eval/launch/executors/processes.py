"""Each run as a plain process, or as several under torchrun, which share out this machine's GPUs."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from simmim_eval.errors import UserError
from simmim_eval.launch.executors.base import Event, Executor, Tell, describe_exit
from simmim_eval.launch.executors.job import command, read_progress
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import make_folder, work_dir
from simmim_eval.results.store import Store

__all__ = ["Processes", "visible_devices"]

LOOK_AGAIN = 0.5  # seconds
PATIENCE = 40  # seconds to write down an interruption; torchrun gives its processes 30


@dataclass(frozen=True)
class _Running:
    run: PlannedRun
    process: subprocess.Popen[bytes]
    devices: tuple[str, ...]
    attempts: int


class Processes(Executor):
    """Slower to start than a child of the fork server, and free to use GPUs and several processes a run.

    Args:
        store: As for every executor.
        jobs: Runs at once; None: as many as the devices are enough for, one without devices.
        processes: Processes a run; with devices each has one of its own.
        devices: What to share out, as ``CUDA_VISIBLE_DEVICES`` names them; empty on a machine without GPUs.

    Raises:
        UserError: There are fewer devices than one run, or ``jobs`` runs, need.
    """

    def __init__(self, store: Store, jobs: int | None, processes: int, devices: Sequence[str]) -> None:
        enough_for = len(devices) // processes if devices else jobs or 1
        if not enough_for or (jobs or 1) > enough_for:
            raise UserError(
                f"--jobs {jobs or 1} --processes {processes}: {len(devices)} GPUs are visible, one is needed for each "
                "process. Lower one of the two."
            )
        super().__init__(store, jobs or enough_for)
        self.processes = processes
        self._free = list(devices)
        self._running: list[_Running] = []

    def running(self) -> int:
        return len(self._running)

    def start(self, run: PlannedRun) -> None:
        """Start a process, or torchrun, on the GPUs that are free."""
        devices = tuple(self._free[: self.processes])
        del self._free[: self.processes]
        environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        if devices:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
        make_folder(work_dir(self.store, run.run_id))
        with open(self.output(run.run_id), "ab") as output:
            process = subprocess.Popen(
                command(run, self.store, self.processes),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches it through the suite only
            )
        self._running.append(_Running(run, process, devices, len(self.store.attempts(run.run_id))))

    def wait(self, tell: Tell) -> None:
        time.sleep(LOOK_AGAIN)
        for one in list(self._running):
            if one.process.poll() is None:
                if news := read_progress(one.run, self.store):
                    tell(Event("progress", one.run, *news))
                continue
            self._running.remove(one)
            self._free.extend(one.devices)
            error = None if self.store.has(one.run.run_id) else self._reason(one)
            tell(Event("failed", one.run, error=error) if error else Event("completed", one.run))

    def stop(self) -> None:
        for one in self._running:
            one.process.terminate()
        for one in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(PATIENCE)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGKILL)

    def _reason(self, one: _Running) -> str:
        """Why the run's newest attempt failed; where it wrote none, how its process ended."""
        failed = [a for a in self.store.attempts(one.run.run_id)[one.attempts :] if a.status == "failed" and a.error]
        return failed[-1].error or "" if failed else describe_exit(one.process.returncode)


def visible_devices() -> list[str]:
    """The GPUs that a run may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not torch.cuda.is_available():
        return []
    return named.split(",") if named else [str(number) for number in range(torch.cuda.device_count())]
