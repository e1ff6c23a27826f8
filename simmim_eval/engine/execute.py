"""Run what was prepared, by mmengine's Runner, and say in a record what came out."""

import logging
import platform
import resource
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import torch
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.runner import Runner

from simmim_eval import compat
from simmim_eval.engine.batch import BatchPlan, batch_plan, num_processes
from simmim_eval.engine.checkpoint import (
    CHECKPOINT_FILE,
    Past,
    keep_last_weights,
    misfits,
    newest_checkpoint,
    read_past,
    remove_leftovers,
)
from simmim_eval.engine.faults import explained
from simmim_eval.engine.hooks import PlainCheckpoint, Progress, ProgressCallback
from simmim_eval.engine.plug import backbone_config, backbone_of
from simmim_eval.engine.precision import check_device
from simmim_eval.engine.prepare import PreparedRun
from simmim_eval.engine.processes import joined
from simmim_eval.engine.runner import CountedRunner, SettledConfig
from simmim_eval.engine.seeding import Stream, seed_generators
from simmim_eval.errors import CheckpointError
from simmim_eval.records import (
    NUMERICS_VERSION,
    SCHEMA_VERSION,
    Cost,
    Environment,
    Init,
    Metric,
    Provenance,
    Record,
    utc_now,
)
from simmim_eval.weights import Report, read_checkpoint

__all__ = ["CHECKPOINT_FILE", "build_runner", "evaluate", "execute", "newest_checkpoint"]

PACKAGES = ("simmim-eval", "torch", "torchvision", "mmengine", "mmdet", "mmsegmentation", "mmaction2", "timm", "numpy")
FIXED_FOR_CHECKPOINTS = ("filename_tmpl", "out_dir", "published_keys", "save_optimizer", "save_param_scheduler")


def execute(
    run: PreparedRun,
    work_dir: Path,
    store_root: Path,
    *,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> Record:
    """Train, keep the last weights, evaluate them, and return the record.

    Under torchrun every process of the run calls this; all return the same record, and the first writes the files.

    Args:
        run: What :func:`~simmim_eval.engine.prepare.prepare` gave.
        work_dir: Folder of this run's log, checkpoint and predictions.
        store_root: Paths in the record are relative to it.
        resume: Go on from the newest checkpoint in ``work_dir``; without it what is there is removed.
        progress: Called after each step.

    Raises:
        ConfigError: The recipe cannot be built, or trains in a precision that this machine does not have.
        CheckpointError: A checkpoint cannot be written.
    """
    start = time.perf_counter()
    with explained(Path(run.request.config), run.config), joined():
        past = _past(run, work_dir, resume)
        runner = build_runner(run, work_dir, resume_from=None if past.trained else past.path, progress=progress)
        if not past.trained:
            check_device(run.precision)
            _train(runner, run, past, start)
        metrics = _test(runner, run, work_dir / CHECKPOINT_FILE)
        artifacts = _artifacts(runner, run, work_dir)
        trained = read_past(work_dir, run.run_id)
    return Record(
        schema_version=SCHEMA_VERSION,
        run_id=run.run_id,
        kind="pretrain" if "method" in run.config else "transfer",
        name=run.name,
        title=run.config.title,
        method=run.method,
        backbone=run.backbone,
        protocol=run.protocol,
        budget=run.budget,
        init_profile=run.init_profile,
        init=msgspec.convert(trained.init, Init),
        seed=run.request.seed,
        init_seed=run.request.init_seed,
        precision=run.precision,
        numerics_version=NUMERICS_VERSION,
        metrics=metrics,
        cost=Cost(
            seconds=past.train_seconds + time.perf_counter() - start,
            train_seconds=trained.train_seconds,
            peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        ),
        environment=environment(batch_plan(run.config, num_processes())),
        created=utc_now(),
        artifacts={name: path.relative_to(store_root).as_posix() for name, path in artifacts.items()},
    )


def evaluate(
    run: PreparedRun, checkpoint: Path, work_dir: Path, progress: ProgressCallback | None = None
) -> tuple[Metric, ...]:
    """The metrics of a checkpoint of ours under the recipe that made it.

    Raises:
        CheckpointError: The file cannot be read, or does not fit the recipe's model.
    """
    with explained(Path(run.request.config), run.config), joined():
        return _test(build_runner(run, work_dir, progress=progress), run, checkpoint)


def build_runner(
    run: PreparedRun, work_dir: Path, *, resume_from: Path | None = None, progress: ProgressCallback | None = None
) -> Runner:
    """mmengine's Runner for a prepared run, in a folder that is created.

    One thread from here on: sums are then in one order, and a run alone gives the numbers of the same run in a suite.

    Args:
        run: The run.
        work_dir: Its folder.
        resume_from: A checkpoint of the same run. The initial weights are then not read again.
        progress: Called after each step.
    """
    compat.install()
    torch.set_num_threads(1)
    config = SettledConfig(run.config._cfg_dict.to_dict())
    config.work_dir = str(work_dir)
    config.resume, config.load_from = resume_from is not None, resume_from and str(resume_from)
    if resume_from:
        backbone_config(config).pop("init_cfg", None)
    config.launcher = "none" if num_processes() == 1 else "pytorch"
    config.experiment_name = run.run_id
    config.log_level = logging.getLevelName(logging.INFO)
    checkpoints = config.setdefault("default_hooks", {}).setdefault("checkpoint", {"type": "CheckpointHook"})
    checkpoints.max_keep_ckpts = -1  # mmengine removes the old before the new is whole; the runner does it after
    for name in FIXED_FOR_CHECKPOINTS:
        checkpoints.pop(name, None)
    if run.task.predictions_file:
        config.test_evaluator.out_file = str(work_dir / run.task.predictions_file)
    work_dir.mkdir(parents=True, exist_ok=True)
    runner = CountedRunner.from_cfg(config)
    if progress:
        runner.register_hook(Progress(progress))
    return runner


def environment(plan: BatchPlan) -> Environment:
    """Versions, platform and commit of this process, and how many shared the run."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.platform()}, {torch.get_num_threads()} threads",
        packages={name: version(name) for name in PACKAGES},
        git=_commit(),
        processes=plan.processes,
        accumulation=plan.accumulation,
    )


def _past(run: PreparedRun, work_dir: Path, resume: bool) -> Past:
    """Where the run goes on: what the first process finds, so that all agree."""
    found = [Past()]
    if is_main_process():
        remove_leftovers(work_dir, anew=not resume)
        if resume:
            found = [read_past(work_dir, run.run_id)]
    broadcast_object_list(found)
    return found[0]


def _train(runner: Runner, run: PreparedRun, past: Past, start: float) -> None:
    """Train to the end and leave the last weights alone in the folder."""
    init = dict(past.init)
    provenance = _own_provenance(run)

    def header(runner: Runner) -> dict[str, Any]:
        if not init:  # the weights have been initialised by now
            init.update(msgspec.to_builtins(_init(run, runner)))
        spent = past.train_seconds + time.perf_counter() - start
        told = {"run_id": run.run_id, "recipe": run.name, "provenance": {**provenance, "cost_seconds": spent}}
        return {**told, "train_seconds": spent, "init": init}

    runner.register_hook(PlainCheckpoint(header))
    runner.train()
    folder = Path(runner.work_dir)
    runner.save_checkpoint(str(folder), CHECKPOINT_FILE, save_optimizer=False, save_param_scheduler=False)
    if is_main_process():
        keep_last_weights(folder)
    barrier()


def _test(runner: Runner, run: PreparedRun, checkpoint: Path) -> tuple[Metric, ...]:
    """The metrics of the weights in a file, also right after training: an average of weights is in the file only."""
    state = read_checkpoint(checkpoint).state
    runner.model = getattr(runner.model, "module", runner.model)
    wrong = misfits(runner.model.state_dict(), state)
    if wrong:
        raise CheckpointError(
            f"{checkpoint}: does not hold the model of {run.name} ({len(wrong)} tensors differ: "
            f"{', '.join(wrong[:3])}, ...). Give the {CHECKPOINT_FILE} that this recipe wrote."
        )
    runner.model.load_state_dict(state, strict=False)  # misfits passes over nothing but counters
    seed_generators(run.request.seed, Stream.EVALUATION)
    return run.task.read_metrics(runner.test())


def _artifacts(runner: Runner, run: PreparedRun, work_dir: Path) -> dict[str, Path]:
    artifacts = {"checkpoint": work_dir / CHECKPOINT_FILE, "log": Path(runner.log_dir)}
    if run.task.predictions_file:
        artifacts["predictions"] = work_dir / run.task.predictions_file
    if run.task.illustrate and is_main_process():
        artifacts["pictures"] = run.task.illustrate(runner, work_dir)
    return artifacts


def _init(run: PreparedRun, runner: Runner) -> Init:
    source = run.request.init
    if source.checkpoint is None:
        return Init(kind=source.kind, source=source.kind, weights=None)
    backbone: Any = backbone_of(runner.model)
    report: Report = backbone.init_report
    provenance = read_checkpoint(source.checkpoint).provenance or {}
    return Init(
        kind=source.kind,
        source=f"run:{run.request.produced_by}" if run.request.produced_by else source.recorded,
        weights=run.init_weights,
        provenance=Provenance(**provenance),
        **report.counts(),
    )


def _own_provenance(run: PreparedRun) -> dict[str, Any]:
    return {
        "method": run.method,
        "data": run.protocol.data,
        "data_fingerprint": run.protocol.data_fingerprint,
        "labels_used": run.config.get("labels_used", True),
        "images_seen": run.budget.images_seen,
        "resolution": run.budget.resolution,
        "overlap": run.config.get("overlap", "unknown"),
        "parent": run.init_weights,
    }


def _commit() -> str | None:
    """The commit of the checkout that this package runs from, None outside one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
