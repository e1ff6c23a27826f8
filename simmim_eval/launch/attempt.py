"""What is kept of one try at a run, whoever tells of it: the run itself, or the parent of a process that vanished."""

from pathlib import Path

from simmim_eval.engine.prepare import RunRequest
from simmim_eval.records import SCHEMA_VERSION, Attempt, RunStatus, utc_now

__all__ = ["attempt"]

LONGEST_ERROR = 500  # characters


def attempt(
    run_id: str,
    task: str,
    title: str,
    request: RunRequest,
    status: RunStatus,
    started: str,
    error: str | None = None,
    output: Path | None = None,
) -> Attempt:
    """An attempt that ends now.

    Args:
        run_id: Of the run.
        task: Of the run.
        title: Of the run.
        request: Of the run.
        status: How it ended.
        started: When, UTC.
        error: Why; it becomes one line.
        output: Where the run's output is, relative to the store; the line ends in it.
    """
    line = None if error is None else " ".join(error.split())[:LONGEST_ERROR]
    return Attempt(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        status=status,
        error=line if line is None or output is None else f"{line} (output: {output})",
        started=started,
        ended=utc_now(),
        task=task,
        title=title,
        init_kind=request.init.kind,
        seed=request.seed,
    )
