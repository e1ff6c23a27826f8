"""Each run as a Slurm job, through submitit; the jobs go on when the suite is gone, and the next suite finds them.

Ctrl-C cancels them. A job whose time is up, or whose machine is taken away, is queued again and resumes.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError
from submitit.slurm.slurm import SlurmJob

from simmim_eval.errors import ConfigError, UserError, nearest
from simmim_eval.files import write_atomic
from simmim_eval.launch.distributed import slurm_variables
from simmim_eval.launch.executors.base import Event, Executor, Tell
from simmim_eval.launch.executors.job import execute_here, read_progress
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import make_folder, work_dir
from simmim_eval.results.store import Store

__all__ = ["Slurm"]

JOB_FILE = ".slurm_job"
LOOK_AGAIN = 2.0  # seconds; submitit asks Slurm itself less and less often
REQUEUED_AT_MOST = 100  # times for each job
ALIVE = ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "REQUEUED", "COMPLETING", "PREEMPTED")


@dataclass(frozen=True)
class Task:
    """What runs inside a job, on each of its tasks."""

    run: PlannedRun
    root: Path

    def __call__(self) -> None:
        os.environ.update(slurm_variables(os.environ))
        execute_here(self.run, Store(self.root))

    def checkpoint(self) -> DelayedSubmission:
        """What to queue when the time is up: the same, as a run of a suite resumes."""
        return DelayedSubmission(self)


class Slurm(Executor):
    """Jobs of one Slurm cluster; submitit's files and the output of the jobs are in ``slurm/`` beside the records.

    Args:
        store: In a folder that the machines share.
        jobs: Jobs in the queue at once.
        processes: Tasks a job; each is one process of the run.
        arguments: Of submitit's Slurm executor: ``partition``, ``time`` (minutes), ``gpus_per_node``, ``mem``, ...

    Raises:
        UserError: There is no Slurm on this machine.
        ConfigError: An argument does not exist.
    """

    def __init__(self, store: Store, jobs: int, processes: int, arguments: Mapping[str, Any]) -> None:
        super().__init__(store, jobs)
        self._jobs: list[tuple[PlannedRun, submitit.Job[None], int]] = []
        self._refused: list[Event] = []
        self._tasks = range(processes * int(arguments.get("nodes", 1)))
        known = submitit.SlurmExecutor._valid_parameters()
        for name in arguments:
            if name not in known:
                raise ConfigError(f"--slurm-args {name}: no argument of a job ({nearest(name, known)}). Correct it.")
        try:
            self._executor = submitit.SlurmExecutor(store.root.resolve() / "slurm", REQUEUED_AT_MOST)
        except RuntimeError:
            raise UserError(
                "--executor slurm: this machine has no srun. Start the suite where jobs are submitted, or choose "
                "another executor."
            ) from None
        self._executor.update_parameters(
            **{
                "ntasks_per_node": processes,
                "stderr_to_stdout": True,
                "srun_args": ["--kill-on-bad-exit=1"],
                **arguments,
            }
        )

    def running(self) -> int:
        return len(self._jobs) + len(self._refused)

    def start(self, run: PlannedRun) -> None:
        """Submit a job, or take over the one that an earlier suite submitted."""
        make_folder(work_dir(self.store, run.run_id))
        attempts = len(self.store.attempts(run.run_id))
        job = self._alive(run)
        if job is None:
            self._executor.update_parameters(job_name=f"simmim-eval-{run.run_id}")
            try:
                job = self._executor.submit(Task(run, self.store.root.resolve()))
            except (FailedJobError, FailedSubmissionError, OSError, subprocess.CalledProcessError) as error:
                self._refused.append(Event("failed", run, error=f"sbatch refused it: {error}"))
                return
            write_atomic(self._job_file(run), job.job_id, overwrite=True)
        self._jobs.append((run, job, attempts))

    def wait(self, tell: Tell) -> None:
        """Look at every job once, after a moment."""
        refused, self._refused = self._refused, []
        for event in refused:
            tell(event)
        time.sleep(LOOK_AGAIN)
        for entry in list(self._jobs):
            run, job, attempts = entry
            if not self.store.has(run.run_id) and not job.done():
                if news := read_progress(run, self.store):
                    tell(Event("progress", run, *news))
                continue
            self._jobs.remove(entry)
            error = None if self.store.has(run.run_id) else self._reason(run, job, attempts)
            tell(Event("failed", run, error=error) if error else Event("completed", run))

    def stop(self) -> None:
        for _, job, _ in self._jobs:
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                job.cancel(check=False)

    def output(self, run_id: str) -> Path:
        try:
            job_id = (work_dir(self.store, run_id) / JOB_FILE).read_text()
        except OSError:
            return self._executor.folder
        return SlurmJob(self._executor.folder, job_id).paths.stdout

    def _job_file(self, run: PlannedRun) -> Path:
        return work_dir(self.store, run.run_id) / JOB_FILE

    def _alive(self, run: PlannedRun) -> submitit.Job[None] | None:
        """The job that an earlier suite submitted for a run and that has not ended."""
        try:
            job_id = self._job_file(run).read_text()
        except OSError:
            return None
        job: submitit.Job[None] = SlurmJob(self._executor.folder, job_id, self._tasks)
        return job if job.get_info().get("State", "").split(" ")[0] in ALIVE else None

    def _reason(self, run: PlannedRun, job: submitit.Job[None], attempts: int) -> str:
        """Why the run's newest attempt failed; where it wrote none, what Slurm says."""
        failed = [a for a in self.store.attempts(run.run_id)[attempts:] if a.status == "failed" and a.error]
        return failed[-1].error or "" if failed else f"Slurm's job {job.job_id} ended as {job.state}"
