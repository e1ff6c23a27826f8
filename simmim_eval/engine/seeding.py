"""Randomness by counter: whatever is drawn depends on the seed and on where it is drawn, on nothing before it.

No generator state is kept or saved. Before each training step and at each access to a data set the generators of
python, numpy and torch are seeded anew, so that worker processes, evaluations on the way, kills and resumes change
nothing.
"""

import random
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from mmengine.registry import DATASETS

__all__ = ["Draw", "SeededDataset", "Stream", "key_of", "seed_generators"]


class Stream(IntEnum):
    """What is drawn; streams of one seed are independent of each other."""

    MODEL = 1
    WEIGHTS = 2
    ORDER = 3
    SAMPLE = 4
    STEP = 5
    EVALUATION = 6


def key_of(seed: int, stream: Stream, *where: int) -> tuple[int, int, int, int]:
    """Four words of 32 bits for one place of one stream; ``where`` are counts from 0."""
    words = np.random.SeedSequence((seed, stream, *where)).generate_state(4)
    first, second, third, fourth = words.tolist()
    return first, second, third, fourth


def seed_generators(seed: int, stream: Stream, *where: int) -> None:
    """Seed the global generators of python, numpy and torch, on the CPU and on GPUs in use."""
    first, second, third, fourth = key_of(seed, stream, *where)
    random.seed(first)
    np.random.seed(second)
    wide = third << 32 | fourth
    # torch.manual_seed formats a stack trace for GPUs that nobody uses: ten times the cost of all the rest.
    torch.default_generator.manual_seed(wide)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(wide)


class Draw(int):
    """An index into a data set that knows its number among all draws of the run; the number seeds the sample."""

    number: int

    def __new__(cls, index: int, number: int) -> "Draw":
        draw = super().__new__(cls, index)
        draw.number = number
        return draw

    def __reduce__(self) -> tuple[Any, ...]:
        """What a worker process builds it from."""
        return Draw, (int(self), self.number)


class SeededDataset:
    """A data set, wrappers and all, whose samples depend on the seed and the draw alone.

    Args:
        dataset: Config of the data set.
        seed: Of the run.

    What is asked for by a plain index, as in an evaluation, is seeded by that index.
    """

    def __init__(self, dataset: dict[str, Any], seed: int) -> None:
        self.dataset = DATASETS.build(dataset)
        self.seed = seed

    def __getitem__(self, index: int) -> Any:
        """The sample, augmented."""
        if isinstance(index, Draw):
            seed_generators(self.seed, Stream.SAMPLE, index.number)
        else:
            seed_generators(self.seed, Stream.EVALUATION, int(index))
        return self.dataset[int(index)]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        """All else is the data set's own: its classes, its annotations, the switches that hooks turn."""
        if name == "dataset":  # asked for while a worker unpickles this object, before it has any attribute
            raise AttributeError(name)
        return getattr(self.dataset, name)
