"""What is kept of one try at a run, whoever tells of it: the run itself, or the parent of a process that vanished."""

from simmim_eval.engine.prepare import RunRequest
from simmim_eval.records import SCHEMA_VERSION, Attempt, RunStatus, utc_now

__all__ = ["attempt"]

LONGEST_ERROR = 500  # characters


def attempt(
    run_id: str, task: str, title: str, request: RunRequest, status: RunStatus, started: str, error: str | None = None
) -> Attempt:
    """An attempt that ends now; ``error`` becomes one line."""
    return Attempt(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        status=status,
        error=None if error is None else " ".join(error.split())[:LONGEST_ERROR],
        started=started,
        ended=utc_now(),
        task=task,
        title=title,
        init_kind=request.init.kind,
        seed=request.seed,
    )
