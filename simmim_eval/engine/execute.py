"""Run what was prepared, by mmengine's Runner, and say in a record what came out."""

import logging
import platform
import resource
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor

from simmim_eval import compat
from simmim_eval.engine.faults import explained
from simmim_eval.engine.hooks import PlainCheckpoint, Progress, ProgressCallback
from simmim_eval.engine.prepare import PreparedRun
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

CHECKPOINT_FILE = "last.pth"
PACKAGES = ("simmim-eval", "torch", "torchvision", "mmengine", "mmdet", "mmsegmentation", "mmaction2", "timm", "numpy")


def execute(
    run: PreparedRun,
    work_dir: Path,
    store_root: Path,
    *,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> Record:
    """Train, evaluate the last weights, keep them, and return the record.

    Args:
        run: What :func:`~simmim_eval.engine.prepare.prepare` gave.
        work_dir: Folder of this run's log, checkpoint and predictions.
        store_root: Paths in the record are relative to it.
        resume: Go on from the newest checkpoint in ``work_dir``.
        progress: Called after each step.
    """
    start = time.perf_counter()
    provenance = _own_provenance(run)
    with explained(Path(run.request.config), run.config):
        runner = build_runner(run, work_dir, resume=resume, progress=progress)
        runner.register_hook(PlainCheckpoint({"run_id": run.run_id, "recipe": run.name, "provenance": provenance}))
        runner.train()
        train_seconds = time.perf_counter() - start
        provenance["cost_seconds"] = train_seconds
        runner.save_checkpoint(str(work_dir), CHECKPOINT_FILE, save_optimizer=False, save_param_scheduler=False)
        metrics = run.task.read_metrics(runner.test())
    artifacts = {"checkpoint": work_dir / CHECKPOINT_FILE, "log": Path(runner.log_dir)}
    if run.task.predictions_file:
        artifacts["predictions"] = work_dir / run.task.predictions_file
    if run.task.illustrate:
        artifacts["pictures"] = run.task.illustrate(runner, work_dir)
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
        init=_init(run, runner),
        seed=run.request.seed,
        init_seed=run.request.init_seed,
        precision=run.precision,
        numerics_version=NUMERICS_VERSION,
        metrics=metrics,
        cost=Cost(
            seconds=time.perf_counter() - start,
            train_seconds=train_seconds,
            peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        ),
        environment=environment(),
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
    state = read_checkpoint(checkpoint).state
    with explained(Path(run.request.config), run.config):
        runner = build_runner(run, work_dir, progress=progress)
        misfits = _misfits(runner.model.state_dict(), state)
        if misfits:
            raise CheckpointError(
                f"{checkpoint}: does not hold the model of {run.name} ({len(misfits)} tensors differ: "
                f"{', '.join(misfits[:3])}, ...). Give the {CHECKPOINT_FILE} that this recipe wrote."
            )
        runner.model.load_state_dict(state)
        return run.task.read_metrics(runner.test())


def build_runner(
    run: PreparedRun, work_dir: Path, *, resume: bool = False, progress: ProgressCallback | None = None
) -> Runner:
    """mmengine's Runner for a prepared run, in a folder that is created.

    One thread from here on: sums are then in one order, and a run alone gives the numbers of the same run in a suite.
    """
    compat.install()
    torch.set_num_threads(1)
    config = Config(run.config._cfg_dict.to_dict())
    config.work_dir = str(work_dir)
    newest = newest_checkpoint(work_dir) if resume else None
    config.resume, config.load_from = newest is not None, newest and str(newest)
    config.experiment_name = run.run_id
    config.log_level = logging.getLevelName(logging.INFO)
    if run.task.predictions_file:
        config.test_evaluator.out_file = str(work_dir / run.task.predictions_file)
    work_dir.mkdir(parents=True, exist_ok=True)
    runner = Runner.from_cfg(config)
    if progress:
        runner.register_hook(Progress(progress))
    return runner


def newest_checkpoint(work_dir: Path) -> Path | None:
    """The newest whole checkpoint of a run on its way; what was being written when the run stopped is passed over.

    mmengine's own pointer to it may name a file that is gone: it is written last.
    """
    found = (path for pattern in ("iter_*.pth", "epoch_*.pth") for path in work_dir.glob(pattern))
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            read_checkpoint(path)
        except CheckpointError:
            continue
        return path
    return None


def environment() -> Environment:
    """Versions, platform and commit of this process."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.platform()}, {torch.get_num_threads()} threads",
        packages={name: version(name) for name in PACKAGES},
        git=_commit(),
    )


def _misfits(model: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """What keeps ``state`` from being loaded into a model, a tensor each."""
    found = [f"{name} is missing" for name in model if name not in state]
    found += [f"{name} is unexpected" for name in state if name not in model]
    return found + [
        f"{name} is {tuple(state[name].shape)}, the model's {tuple(tensor.shape)}"
        for name, tensor in model.items()
        if name in state and state[name].shape != tensor.shape
    ]


def _init(run: PreparedRun, runner: Runner) -> Init:
    source = run.request.init
    if source.source is None:
        return Init(kind=source.kind, source=source.kind, weights=None)
    report: Report = runner.model.backbone.init_report
    provenance = read_checkpoint(source.source).provenance or {}
    return Init(
        kind=source.kind,
        source=f"run:{run.request.produced_by}" if run.request.produced_by else source.source,
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
