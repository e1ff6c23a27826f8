"""Which samples a step sees: a sequence that depends on the seed alone, entered anywhere without decoding anything."""

from collections.abc import Iterator
from itertools import chain, islice
from math import gcd
from typing import Any, Protocol

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from simmim_eval.engine.batch import BatchPlan, steps_per_epoch
from simmim_eval.engine.recipe import class_name
from simmim_eval.engine.seeding import Draw, Stream, key_of
from simmim_eval.errors import ConfigError

__all__ = ["DrawSampler", "MicroBatches", "check_sampler", "train_loader_config"]

SAMPLERS = ("DefaultSampler", "InfiniteSampler")
NOT_WITH_BATCHES = ("drop_last", "shuffle")  # torch wants none of them beside batches made by others


class _Sized(Protocol):
    def __len__(self) -> int: ...


class DrawSampler(Sampler[Draw]):
    """Shuffled rounds over a data set, each index with its number among all draws.

    Args:
        dataset: The data set.
        seed: Of the run.
        shuffle: Draw a new order for each round.
        multiple_of: Length of an epoch is a multiple of it.
        drop_last: Round an epoch down to that multiple; otherwise up, with draws from its beginning.
        endless: One epoch that never ends, made of rounds over the whole set.
    """

    def __init__(
        self, dataset: _Sized, seed: int, *, shuffle: bool, multiple_of: int, drop_last: bool, endless: bool
    ) -> None:
        self.dataset = dataset
        self.seed = seed
        self.shuffle = shuffle
        self.num_samples = len(dataset)
        self.epoch_draws = steps_per_epoch(self.num_samples, multiple_of, drop_last and not endless) * multiple_of
        self.endless = endless
        self.epoch = 0
        self.first = 0

    def begin(self, epoch: int, first: int) -> None:
        """Let the next iteration begin at draw ``first`` of ``epoch``."""
        self.epoch, self.first = epoch, first

    def __iter__(self) -> Iterator[Draw]:
        """The draws of one epoch from ``first`` on."""
        if not self.endless:
            order = self._order(self.epoch)
            for place in range(self.first, self.epoch_draws):
                yield Draw(order[place % self.num_samples], self.epoch * self.epoch_draws + place)
            return
        number = self.first
        while True:
            order = self._order(number // self.num_samples)
            for place in range(number % self.num_samples, self.num_samples):
                yield Draw(order[place], number)
                number += 1

    def __len__(self) -> int:
        return self.epoch_draws

    def _order(self, round_number: int) -> list[int]:
        if not self.shuffle:
            return list(range(self.num_samples))
        key = key_of(self.seed, Stream.ORDER, round_number)
        order: list[int] = np.random.default_rng(key).permutation(self.num_samples).tolist()
        return order


class MicroBatches(Sampler[list[Draw]]):
    """The micro-batches of one process. All processes walk through the same steps and take their shares of each.

    mmengine reads the length of an epoch here, so ``len`` counts optimiser steps.

    Args:
        sampler: Gives the draws.
        batch_size: The recipe's batch per process: what a batch sampler of the recipe groups by.
        plan: How a step is shared.
        rank: Number of this process.
        grouping: Config of the recipe's own batch sampler (mmdet's ``AspectRatioBatchSampler``), or None. It sees
            indices only, and groups alike on any number of processes.
    """

    def __init__(
        self, sampler: DrawSampler, batch_size: int, *, plan: BatchPlan, rank: int, grouping: dict[str, Any] | None
    ) -> None:
        self.sampler = sampler
        self.plan = plan
        self.rank = rank
        self.step = 0
        self.group_size = gcd(batch_size, plan.effective)
        self.grouping: dict[str, Any] | None = None
        if grouping:
            # An epoch fills whole batches already; the samplers of mmdet drop also a last batch that is full.
            self.grouping = {**grouping, "sampler": sampler, "batch_size": self.group_size, "drop_last": False}

    def begin(self, epoch: int, step: int) -> None:
        """Let the next iteration begin at ``step`` of ``epoch``."""
        self.step = step
        self.sampler.begin(epoch, 0 if self.grouping else step * self.plan.effective)

    def __iter__(self) -> Iterator[list[Draw]]:
        """``plan.accumulation`` lists of ``plan.micro`` draws for each step."""
        plan = self.plan
        draws = iter(self.sampler)
        if self.grouping:
            groups = DATA_SAMPLERS.build(self.grouping)  # anew: it keeps half-filled groups from one call to the next
            draws = islice(chain.from_iterable(map(self._checked, groups)), self.step * plan.effective, None)
        while len(step := list(islice(draws, plan.effective))) == plan.effective:
            for number in range(plan.accumulation):
                start = (number * plan.processes + self.rank) * plan.micro
                yield step[start : start + plan.micro]

    def __len__(self) -> int:
        return len(self.sampler) // self.plan.effective

    def _checked(self, group: list[Draw]) -> list[Draw]:
        if len(group) != self.group_size:
            raise ConfigError(
                f"train_dataloader.batch_sampler made a batch of {len(group)} samples; expected {self.group_size}. Use "
                "AspectRatioBatchSampler, or remove it."
            )
        return group


def check_sampler(config: Config) -> None:
    """Refuse a sampler whose order this module does not know how to enter in the middle.

    Raises:
        ConfigError: It is another than mmengine's two, or the loader's epoch is cut short.
    """
    name = class_name(config.train_dataloader.get("sampler") or {})
    if name not in SAMPLERS:
        raise ConfigError(
            f"train_dataloader.sampler.type is {name!r}; expected {' or '.join(SAMPLERS)}: a run is resumed at the "
            "very sample, which needs an order that is known. To see some classes more often, wrap the data set."
        )
    if "num_batch_per_epoch" in config.train_dataloader:
        raise ConfigError("train_dataloader.num_batch_per_epoch cuts epochs short. Remove it; train_cfg says how long.")


def train_loader_config(loader: dict[str, Any], plan: BatchPlan, rank: int, *, by_epoch: bool) -> dict[str, Any]:
    """The config of a training loader with its sampler and its batches replaced by ours."""
    config = {key: value for key, value in loader.items() if key not in NOT_WITH_BATCHES}
    config["sampler"] = {
        "type": DrawSampler,
        "shuffle": loader["sampler"].get("shuffle", True),
        "multiple_of": plan.effective,
        "drop_last": loader.get("drop_last", False),
        "endless": not by_epoch,
    }
    grouping = loader.get("batch_sampler")
    config["batch_sampler"] = {"type": MicroBatches, "plan": plan, "rank": rank, "grouping": grouping}
    return config
