"""Relative-position bias tables at another window size: the geometric resizing of SimMIM and BEiT.

The known offsets are placed at distances that grow by a constant ratio from the centre, so that the outermost one
falls on the outermost wanted offset; a bicubic spline through them is read at the whole numbers.
"""

import math
from itertools import accumulate

import numpy as np
import torch
from scipy.interpolate import RectBivariateSpline
from torch import Tensor

from simmim_eval.errors import CheckpointError

__all__ = ["resize_table", "table_side"]

MIN_RATIO, MAX_RATIO, TOLERANCE = 1.01, 1.5, 1e-6
MIN_SIDE = 4  # points that a cubic spline needs


def table_side(table: Tensor) -> int:
    """Side 2w - 1 of a (side², heads) table; a :class:`CheckpointError` if there is none."""
    rows = table.shape[0]
    side = math.isqrt(rows)
    if side * side != rows or side % 2 == 0:
        raise CheckpointError(f"a table of {rows} rows belongs to no square window; expected (2w - 1)² rows")
    return side


def resize_table(table: Tensor, side: int) -> Tensor:
    """Resize a (source_side², heads) table to (side², heads), float32; both sides are odd.

    A table of that side already comes back unchanged, in its own dtype.

    Raises:
        CheckpointError: the table is not square, or too small for a cubic spline.
    """
    source = table_side(table)
    if source == side:
        return table
    if source < MIN_SIDE:
        raise CheckpointError(
            f"a table of side {source} (window {(source + 1) // 2}) cannot be resized to {side}: a cubic spline needs "
            f"{MIN_SIDE} points. Keep the window of that stage, for example by img_size or by one window a stage"
        )
    known = _geometric_offsets(source // 2, side // 2)
    wanted = np.arange(-(side // 2), side // 2 + 1)
    heads = []
    for head in table.detach().cpu().float().unbind(1):
        grid = head.reshape(source, source).numpy()
        heads.append(RectBivariateSpline(known, known, grid.T)(wanted, wanted).T.reshape(-1))
    return torch.from_numpy(np.stack(heads, axis=1)).float()


def _geometric_offsets(count: int, goal: int) -> np.ndarray:
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
