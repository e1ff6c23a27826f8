"""One run with its bookkeeping: done already, attempted, recorded; alone in its folder while it works."""

import contextlib
import functools
import os
from dataclasses import replace
from pathlib import Path

from simmim_eval.engine.batch import num_processes
from simmim_eval.engine.execute import CHECKPOINT_FILE, execute
from simmim_eval.engine.hooks import ProgressCallback
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import PreparedRun, RunRequest, prepare
from simmim_eval.errors import RecordError, UserError
from simmim_eval.launch.attempt import attempt
from simmim_eval.launch.distributed import is_main
from simmim_eval.launch.fault import machine_fault
from simmim_eval.launch.lock import Holder, locked
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.records import Record, RunStatus, utc_now
from simmim_eval.results.store import Store

__all__ = [
    "OUTPUT_FILE",
    "add_failure",
    "complete",
    "make_folder",
    "resolve_source",
    "run",
    "work_dir",
]

OUTPUT_FILE = "console.log"
PATIENCE = 60  # seconds that a process which is being killed has to leave a run's folder


def run(request: RunRequest, store: Store, *, resume: bool = False, progress: ProgressCallback | None = None) -> Record:
    """The record of a run: read if the store has it, otherwise made now.

    Among several processes of one run each comes here, and the main one alone writes records and attempts.

    Args:
        request: What to run; a source ``run:ID`` is looked up in ``store``.
        store: Where records and attempts go; each run works in ``runs/ID`` beside them.
        resume: Go on from an interrupted attempt's newest checkpoint.
        progress: Called after each step.

    Raises:
        UserError: A fault the user can mend, another process that works on this run, a full disk, a killed data
            worker; it is kept as an attempt when the run had begun.
    """
    request = resolve_source(request, store)
    prepared = prepare(request)
    if store.has(prepared.run_id):
        return store.read(prepared.run_id)
    folder = work_dir(store, prepared.run_id)
    make_folder(folder)
    go = functools.partial(execute, prepared, folder, store.root.resolve(), resume=resume)
    if not is_main():
        return go()
    with locked(folder, "another process", PATIENCE) as killed:
        if store.has(prepared.run_id):  # by the process that was waited for
            if num_processes() > 1:  # the others wait for this one to train with them
                raise UserError(f"{folder}: another process has completed this run meanwhile. Nothing is left to do.")
            return store.read(prepared.run_id)
        if killed:
            _bury(prepared, store, killed)
        return _attempt(functools.partial(go, progress=progress), prepared, store)


def complete(planned: PlannedRun, store: Store, progress: ProgressCallback | None = None) -> None:
    """:func:`run` for a suite: it resumes, and also what fails before the run begins leaves an attempt.

    Raises:
        UserError: As ``run``.
    """
    before, started = len(store.attempts(planned.run_id)), utc_now()
    try:
        run(planned.request, store, resume=True, progress=progress)
    except Exception as error:
        if is_main() and len(store.attempts(planned.run_id)) == before:
            add_failure(planned, store, started, f"{type(error).__name__}: {error}")
        raise


def add_failure(planned: PlannedRun, store: Store, started: str, error: str) -> None:
    """Keep a failure that the run itself could not write down.

    Raises:
        RecordError: Nor can this.
    """
    output = work_dir(store, planned.run_id) / OUTPUT_FILE
    told = output.relative_to(store.root.resolve()) if output.exists() else None
    parts = (planned.run_id, planned.task, planned.title, planned.request)
    store.add_attempt(attempt(*parts, "failed", started, error, told))


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


def _attempt(go: functools.partial[Record], prepared: PreparedRun, store: Store) -> Record:
    """Execute, and keep the record or the failure."""
    folder, started = work_dir(store, prepared.run_id), utc_now()
    try:
        record = go()
        store.add(record)
    except (KeyboardInterrupt, SystemExit):  # SystemExit: Slurm takes the machine away
        _keep(prepared, store, "interrupted", started)
        raise
    except Exception as error:
        fault = None if isinstance(error, UserError) else machine_fault(error, folder)
        told = fault or error
        with contextlib.suppress(RecordError) if fault else contextlib.nullcontext():  # the same disk
            _keep(prepared, store, "failed", started, f"{type(told).__name__}: {told}")
        if fault is None:
            raise
        raise fault from error
    _keep(prepared, store, "completed", started)
    return record


def _keep(prepared: PreparedRun, store: Store, status: RunStatus, started: str, error: str | None = None) -> None:
    folder = work_dir(store, prepared.run_id)
    output = folder / OUTPUT_FILE
    if not output.exists():  # not a suite's run: what mmengine logged
        output = max(folder.glob("*/*.log"), key=lambda path: path.stat().st_mtime_ns, default=folder)
    told = output.relative_to(store.root.resolve())
    parts = (prepared.run_id, prepared.task.name, prepared.config.title, prepared.request)
    store.add_attempt(attempt(*parts, status, started, error, told))


def _bury(prepared: PreparedRun, store: Store, killed: Holder) -> None:
    """A process that was killed wrote nothing down; its successor does."""
    _keep(prepared, store, "interrupted", killed.started, f"killed: process {killed.pid} on {killed.host} is gone")
