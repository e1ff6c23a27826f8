"""The batch that a recipe states, and how processes, micro-batches and accumulation make it up.

The effective batch is ``auto_scale_lr.base_batch_size`` where a recipe has it (OpenMMLab's word for the batch that its
learning rate was tuned for), else ``train_dataloader.batch_size``. One iteration of a recipe is one optimiser step on
that many samples, whatever the number of processes.
"""

import os
from dataclasses import dataclass
from math import gcd

from mmengine.config import Config

from simmim_eval.engine.recipe import class_name, count
from simmim_eval.errors import ConfigError, nearest

__all__ = ["BatchPlan", "batch_plan", "effective_batch", "is_by_epoch", "num_processes", "num_steps", "steps_per_epoch"]

LOOPS = ("EpochBasedTrainLoop", "IterBasedTrainLoop")
SHOWN = 64  # numbers of processes that an error names


@dataclass(frozen=True)
class BatchPlan:
    """``processes`` × ``micro`` × ``accumulation`` = ``effective``.

    Attributes:
        effective: Samples of one optimiser step.
        micro: Samples that one process pushes through the model at once.
        processes: Processes, each with a model of its own.
        accumulation: Micro-batches that one process adds up for one step.
    """

    effective: int
    micro: int
    processes: int
    accumulation: int


def num_processes() -> int:
    """How many processes share this run: what torchrun says, else 1."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def batch_plan(config: Config, processes: int) -> BatchPlan:
    """Share the effective batch among processes; a micro-batch divides the recipe's ``train_dataloader.batch_size``.

    Raises:
        ConfigError: The processes cannot share it evenly, or the recipe states its batch in a contradictory way.
    """
    effective = effective_batch(config)
    if processes < 1 or effective % processes:
        fitting = [str(number) for number in range(1, min(effective, SHOWN) + 1) if effective % number == 0]
        raise ConfigError(
            f"the effective batch of {effective} cannot be shared evenly by {processes} processes (processes × "
            f"micro-batch × accumulation = {effective}, always). Run {', '.join(fitting)} processes."
        )
    micro = gcd(count(config, "train_dataloader.batch_size"), effective // processes)
    return BatchPlan(effective, micro, processes, effective // processes // micro)


def effective_batch(config: Config) -> int:
    """Samples of one optimiser step.

    Raises:
        ConfigError: A count is none, the rate would be scaled, or an accumulation is stated by hand.
    """
    own = count(config, "train_dataloader.batch_size")
    scaling = config.get("auto_scale_lr") or {}
    if scaling.get("enable"):
        raise ConfigError(
            "auto_scale_lr.enable is True, but the effective batch is the recipe's on any number of processes, so "
            "that no rate needs scaling. Set it to False."
        )
    stated = config.optim_wrapper.get("accumulative_counts", 1)
    if stated != 1:
        raise ConfigError(
            f"optim_wrapper.accumulative_counts is {stated}, but accumulation follows from the effective batch. Remove "
            f"it, set auto_scale_lr.base_batch_size to the effective batch (as {own} × {stated}) and count lengths in "
            "optimiser steps."
        )
    return count(config, "auto_scale_lr.base_batch_size") if "base_batch_size" in scaling else own


def is_by_epoch(config: Config) -> bool:
    """Whether the training loop counts epochs, not iterations.

    Raises:
        ConfigError: It is neither of mmengine's two loops.
    """
    loop = config.train_cfg
    if "type" not in loop and "by_epoch" in loop:
        return bool(loop.by_epoch)
    name = class_name(loop)
    if name not in LOOPS:
        raise ConfigError(f"train_cfg.type is {name!r}; expected {' or '.join(LOOPS)}. {_resumable(name)}")
    return name == LOOPS[0]


def num_steps(config: Config, num_train: int) -> int:
    """Optimiser steps of a run on a training set of ``num_train`` samples.

    Raises:
        ConfigError: ``train_cfg`` does not say how long, or the set does not fill a batch.
    """
    if not is_by_epoch(config):
        return count(config, "train_cfg.max_iters")
    drop_last = config.train_dataloader.get("drop_last", False)
    return count(config, "train_cfg.max_epochs") * steps_per_epoch(num_train, effective_batch(config), drop_last)


def steps_per_epoch(num_samples: int, effective: int, drop_last: bool) -> int:
    """Steps of an epoch; a last batch that is not full is left out, or filled up from the epoch's beginning.

    Raises:
        ConfigError: There is none.
    """
    steps = num_samples // effective if drop_last else -(-num_samples // effective)
    if not steps:
        raise ConfigError(
            f"train_dataloader: {num_samples} samples do not fill one batch of {effective}"
            f"{' and drop_last leaves it out. Set drop_last=False' if drop_last else ''}, or give more data."
        )
    return steps


def _resumable(name: str) -> str:
    return f"A run can be resumed in these alone ({nearest(name, LOOPS)})."
