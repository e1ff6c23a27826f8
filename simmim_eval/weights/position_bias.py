"""Relative-position bias tables at another window size: the geometric resizing of SimMIM and BEiT.

The known offsets are placed at distances that grow by a constant ratio from the centre, so that the outermost one
falls on the outermost wanted offset; a bicubic spline through them is read at the whole numbers.
"""

import math

import numpy as np
import torch
from scipy.interpolate import RectBivariateSpline
from torch import Tensor

from simmim_eval.backbones.vit_relative import CLASS_ROWS
from simmim_eval.backbones.vit_resampling import geometric_offsets
from simmim_eval.errors import CheckpointError

__all__ = ["class_rows", "resize_table", "table_side"]

MIN_SIDE = 4  # points that a cubic spline needs


def table_side(table: Tensor) -> int:
    """Side 2w - 1 of a (side², heads) table; a :class:`CheckpointError` if there is none."""
    rows = table.shape[0]
    side = math.isqrt(rows)
    if side * side != rows or side % 2 == 0:
        raise CheckpointError(f"a table of {rows} rows belongs to no square window; expected (2w - 1)² rows")
    return side


def class_rows(table: Tensor) -> int:
    """How many rows at the end of a table belong to a class token: 3 or 0, told by their number."""
    side = math.isqrt(table.shape[0])
    return 0 if side * side == table.shape[0] and side % 2 else CLASS_ROWS


def resize_table(table: Tensor, side: int | tuple[int, int]) -> Tensor:
    """Resize a (source_side², heads) table to (side², heads), or to (rows · columns, heads), float32; all are odd.

    A table of that size already comes back unchanged, in its own dtype.

    Raises:
        CheckpointError: the table is not square, or too small for a cubic spline.
    """
    source = table_side(table)
    target = (side, side) if isinstance(side, int) else side
    if (source, source) == target:
        return table
    if source < MIN_SIDE:
        raise CheckpointError(
            f"a table of side {source} (window {(source + 1) // 2}) cannot be resized to {side}: a cubic spline needs "
            f"{MIN_SIDE} points. Keep the window of that stage, for example by img_size or by one window a stage"
        )
    wanted = [np.arange(-(length // 2), length // 2 + 1) for length in target]
    known = [
        offsets if len(offsets) == source else geometric_offsets(source // 2, len(offsets) // 2) for offsets in wanted
    ]
    heads = []
    for head in table.detach().cpu().float().unbind(1):
        grid = head.reshape(source, source).numpy()
        spline = RectBivariateSpline(known[1], known[0], grid.T)
        heads.append(spline(wanted[1], wanted[0]).T.reshape(-1))
    return torch.from_numpy(np.stack(heads, axis=1)).float()
