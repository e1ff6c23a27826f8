"""A tiny recipe in which everything is random: drop path, RandAugment, mixup, erasing; with EMA and validation."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from demo_case import CONFIGS, RECIPES

from simmim_eval.engine.execute import execute
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest, prepare
from simmim_eval.records import Record

BATCH = 8
COMMON = f"""
_base_ = ["{CONFIGS / RECIPES["classification"]}"]
model = dict(
    backbone=dict(drop_path_rate=0.3),
    data_preprocessor=dict(mixup=dict(mixup_alpha=0.8, cutmix_alpha=1.0), erase_prob=0.5),
)
train_dataloader = dict(
    batch_size={BATCH},
    num_workers=WORKERS,
    sampler=SAMPLER,
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="simmim_eval.TimmTransform", size=48, is_training=True, auto_augment="rand-m9-mstd0.5-inc1"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=WORKERS,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root="data/demo/imagenet",
        split="val",
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="simmim_eval.TimmTransform", size=48, is_training=True, auto_augment="rand-m9-mstd0.5-inc1"),
        ],
    ),
)
val_evaluator = dict(type="simmim_eval.Accuracy")
val_cfg = dict(type="ValLoop")
auto_scale_lr = dict(enable=False, base_batch_size={BATCH})
custom_hooks = [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.2)]
"""
ITERATIONS = (
    COMMON.replace("SAMPLER", 'dict(type="InfiniteSampler", shuffle=True)')
    + """
train_cfg = dict(type="IterBasedTrainLoop", max_iters=9, val_interval=4)
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2, save_best="top1"),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=3),
    dict(type="CosineAnnealingLR", eta_min_ratio=0.01, by_epoch=False, begin=3, end=9),
]
"""
)
EPOCHS = (
    COMMON.replace("SAMPLER", 'dict(type="DefaultSampler", shuffle=True)')
    + """
train_cfg = dict(_delete_=True, type="EpochBasedTrainLoop", max_epochs=3, val_interval=1)
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(type="CheckpointHook", by_epoch=True, interval=1, save_best="top1"),
)
log_processor = dict(by_epoch=True)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, by_epoch=True, begin=1, end=3),
]
"""
)
# No randomness beyond the order of the samples, and sums that do not depend on how a batch is cut.
PLAIN = (
    ITERATIONS.replace("drop_path_rate=0.3", "drop_path_rate=0.0")
    .replace("mixup=dict(mixup_alpha=0.8, cutmix_alpha=1.0), erase_prob=0.5", "label_smoothing=0.1")
    .replace("custom_hooks", "unused")
    + 'optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=0.1, momentum=0.9, weight_decay=0.01))\n'
)


def write_recipe(folder: Path, text: str, *, workers: int = 0, more: str = "") -> Path:
    """The recipe as a file of the same name wherever it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hard.py"
    path.write_text(text.replace("WORKERS", str(workers)) + more)
    return path


def hard_request(path: Path, data_root: Path, init: str = "random", **changes: Any) -> RunRequest:
    return RunRequest(str(path), InitSource.parse(init), data_root, **changes)


def run_here(request: RunRequest, root: Path, **options: Any) -> Record:
    run = prepare(request)
    return execute(run, root / "runs" / run.run_id, root, **options)


def run_until_killed(request: RunRequest, root: Path, step: int, stage: str = "train") -> None:
    """Run in a process of its own that gets SIGKILL right after ``step``."""

    def progress(now: str, done: int, total: int) -> None:
        if (now, done) == (stage, step):
            os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(
        target=run_here, args=(request, root), kwargs={"resume": True, "progress": progress}
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
