"""One run with its bookkeeping: done already, attempted, recorded."""

from dataclasses import replace
from pathlib import Path

from simmim_eval.engine.execute import CHECKPOINT_FILE, execute
from simmim_eval.engine.hooks import ProgressCallback
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import PreparedRun, RunRequest, prepare
from simmim_eval.errors import UserError
from simmim_eval.records import SCHEMA_VERSION, Attempt, Record, RunStatus, utc_now
from simmim_eval.results.store import Store

__all__ = ["resolve_source", "run", "work_dir"]


def run(request: RunRequest, store: Store, *, resume: bool = False, progress: ProgressCallback | None = None) -> Record:
    """The record of a run: read if the store has it, otherwise made now.

    Args:
        request: What to run; a source ``run:ID`` is looked up in ``store``.
        store: Where records and attempts go; each run works in ``runs/ID`` beside them.
        resume: Go on from an interrupted attempt's newest checkpoint.
        progress: Called after each step.

    Raises:
        UserError: A fault the user can mend; it is kept as an attempt when the run had begun.
    """
    request = resolve_source(request, store)
    prepared = prepare(request)
    if store.has(prepared.run_id):
        return store.read(prepared.run_id)
    started = utc_now()
    folder = work_dir(store, prepared.run_id)
    try:
        record = execute(prepared, folder, store.root.resolve(), resume=resume, progress=progress)
    except KeyboardInterrupt:
        store.add_attempt(_attempt(prepared, "interrupted", started, None))
        raise
    except Exception as error:
        store.add_attempt(_attempt(prepared, "failed", started, _one_line(error)))
        raise
    store.add(record)
    store.add_attempt(_attempt(prepared, "completed", started, None))
    return record


def work_dir(store: Store, run_id: str) -> Path:
    """Where a run keeps its log, checkpoint and predictions."""
    return store.root.resolve() / "runs" / run_id


def resolve_source(request: RunRequest, store: Store) -> RunRequest:
    """Turn ``run:ID`` into the checkpoint that this run left in the store.

    Raises:
        UserError: The run left no checkpoint there.
    """
    source = request.init.source
    if source is None or not source.startswith("run:"):
        return request
    run_id = source.removeprefix("run:")
    path = work_dir(store, run_id) / CHECKPOINT_FILE
    if not path.is_file():
        raise UserError(f"--init {request.init}: {path} is not there. Run {run_id} first, or give a checkpoint file.")
    return replace(request, init=InitSource(request.init.kind, str(path)), produced_by=run_id)


def _attempt(prepared: PreparedRun, status: RunStatus, started: str, error: str | None) -> Attempt:
    return Attempt(
        schema_version=SCHEMA_VERSION,
        run_id=prepared.run_id,
        status=status,
        error=error,
        started=started,
        ended=utc_now(),
        task=prepared.task.name,
        title=prepared.config.title,
        init_kind=prepared.request.init.kind,
        seed=prepared.request.seed,
    )


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
