"""Position tables on another grid than theirs, by one matrix an axis.

Cached are the matrices, one for each pair of lengths, never what they make: a resampled table follows its parameter
and passes gradients to it.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache
from itertools import accumulate
from typing import Literal

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor
from torch.nn import functional

__all__ = ["Rule", "geometric_offsets", "resample", "resampling_matrix"]

Rule = Literal["bicubic", "geometric", "linear"]
"""bicubic: absolute positions, as MAE and ViTDet resize them (no antialiasing, corners not aligned).
geometric: BEiT's tables of relative positions, as SimMIM and BEiT resize them; of odd lengths only.
linear: ViTDet's decomposed relative positions."""

MIN_RATIO, MAX_RATIO, TOLERANCE = 1.01, 1.5, 1e-6


def resample(table: Tensor, rule: Rule, lengths: Mapping[int, int]) -> Tensor:
    """``table`` with each axis in ``lengths`` resampled to that length; one of that length already stays as it is."""
    kind = table.device.type
    full_precision = torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
    with full_precision:
        for axis, length in lengths.items():
            if table.shape[axis] != length:
                matrix = resampling_matrix(rule, table.shape[axis], length, table.device, table.dtype)
                table = torch.tensordot(matrix, table, ([1], [axis])).movedim(0, axis)
    return table


@lru_cache(maxsize=64)
def resampling_matrix(rule: Rule, source: int, target: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(target, source): row i says how value i of the new axis mixes the values of the old one; rows sum to 1."""
    with torch.inference_mode(False):
        if rule == "geometric":
            return torch.from_numpy(_geometric_matrix(source, target)).to(device, dtype)
        identity = torch.eye(source, dtype=torch.float64, device="cpu")
        if rule == "linear":
            matrix = functional.interpolate(identity[None], size=target, mode="linear")[0].T
        else:
            matrix = functional.interpolate(identity[None, None], size=(target, source), mode="bicubic")[0, 0]
        return matrix.to(device, dtype)


def geometric_offsets(count: int, goal: int) -> np.ndarray:
    """0 and ±(1 + q + … + q^(k-1)) for k up to ``count``, with the outermost near ``goal``.

    The ratio is the last midpoint that the bisection looked at, not the middle of its last interval: the official
    tables depend on it.
    """
    low, high = MIN_RATIO, MAX_RATIO
    ratio = low
    while high - low > TOLERANCE:
        ratio = (low + high) / 2
        if (1 - ratio**count) / (1 - ratio) > goal:
            high = ratio
        else:
            low = ratio
    distances = list(accumulate(ratio**k for k in range(count)))
    return np.array([-distance for distance in reversed(distances)] + [0.0] + distances)


def _geometric_matrix(source: int, target: int) -> np.ndarray:
    """A spline through the known offsets, read at the whole numbers; beyond the outermost, its value there.

    Cubic, which needs four points; a table of three offsets gets a parabola, of one a constant.
    """
    known = geometric_offsets(source // 2, target // 2)
    wanted = np.arange(-(target // 2), target // 2 + 1).clip(known[0], known[-1])
    if source == 1:
        return np.ones((target, 1))
    matrix: np.ndarray = make_interp_spline(known, np.eye(source), k=min(3, source - 1))(wanted)
    return matrix
