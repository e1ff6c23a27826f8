"""One run with its bookkeeping: done already, attempted, recorded."""

import os
from dataclasses import replace
from pathlib import Path

from simmim_eval.engine.execute import CHECKPOINT_FILE, execute
from simmim_eval.engine.hooks import ProgressCallback
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest, prepare
from simmim_eval.errors import UserError
from simmim_eval.launch.attempt import attempt
from simmim_eval.records import Record, RunStatus, utc_now
from simmim_eval.results.store import Store

__all__ = ["make_folder", "resolve_source", "run", "work_dir"]


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
    folder = work_dir(store, prepared.run_id)
    make_folder(folder)
    started = utc_now()

    def keep(status: RunStatus, error: str | None = None) -> None:
        title = prepared.config.title
        store.add_attempt(attempt(prepared.run_id, prepared.task.name, title, request, status, started, error))

    try:
        record = execute(prepared, folder, store.root.resolve(), resume=resume, progress=progress)
        store.add(record)
    except KeyboardInterrupt:
        keep("interrupted")
        raise
    except Exception as error:
        keep("failed", f"{type(error).__name__}: {error}")
        raise
    keep("completed")
    return record


def work_dir(store: Store, run_id: str) -> Path:
    """Where a run keeps its log, checkpoint and predictions."""
    return store.root.resolve() / "runs" / run_id


def make_folder(path: Path) -> None:
    """Create a folder for what runs leave; a UserError names one that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made ({error.strerror}). Give another --work-dir.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError(f"{path}: cannot be written. Change its permissions, or give another --work-dir.")


def resolve_source(request: RunRequest, store: Store) -> RunRequest:
    """Turn ``run:ID`` into the checkpoint that this run left in the store.

    Raises:
        UserError: The run is not completed there, or its checkpoint is gone.
    """
    if request.init.source is None or not request.init.is_run:
        return request
    run_id = request.init.source.removeprefix("run:")
    path = work_dir(store, run_id) / CHECKPOINT_FILE
    if not store.has(run_id) or not path.is_file():
        raise UserError(
            f"--init {request.init}: {store.root} holds no completed run {run_id} with its {path.name}. Run it first, "
            "or give a checkpoint file."
        )
    init_seed = store.read(run_id).seed
    return replace(request, init=InitSource(request.init.kind, str(path)), produced_by=run_id, init_seed=init_seed)
