"""Bilinear samples of a map by RoIAlign's rule, and their derivatives, for many maps and points at once.

Between four cells the value is their bilinear mean. Up to one cell beyond the map it is that of the border, farther
away it is zero. (Deformable convolutions read zeros beyond the border: another rule.)

A batch of maps is read as a table of cells, (B * H * W, C), so that each sample is four weighted rows.
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Samples", "cell_table", "from_cell_table", "locate", "read", "spread"]


class Samples(NamedTuple):
    """M samples as rows of the table; every field is (4, M), a row for each of the four cells."""

    row: Tensor
    weight: Tensor
    by_y: Tensor  # derivative of the weight
    by_x: Tensor


def cell_table(maps: Tensor) -> Tensor:
    """(B, C, H, W) as (B * H * W, C)."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def from_cell_table(table: Tensor, shape: torch.Size) -> Tensor:
    """(B * H * W, C) as (B, C, H, W), the ``shape``."""
    batch, channels, height, width = shape
    return table.view(batch, height, width, channels).permute(0, 3, 1, 2)


def locate(image: Tensor, y: Tensor, x: Tensor, size: torch.Size) -> Samples:
    """The four cells of each sample.

    Args:
        image: (M,) int64 index into the batch.
        y: (M,) float row coordinate, in cells; cell 0 is at 0. A coordinate that is not a number gives such a sample.
        x: (M,) float column coordinate.
        size: Height and width of the maps.
    """
    height, width = size
    outside = (y < -1) | (y > height) | (x < -1) | (x > width)
    rows, row_weights, row_slopes = _along(y, height)
    columns, column_weights, column_slopes = _along(x, width)
    pairs = [(i, j) for i in (0, 1) for j in (0, 1)]
    weight = torch.stack([row_weights[i] * column_weights[j] for i, j in pairs])
    by_y = torch.stack([row_slopes[i] * column_weights[j] for i, j in pairs])
    by_x = torch.stack([row_weights[i] * column_slopes[j] for i, j in pairs])
    row = torch.stack([(image * height + rows[i]) * width + columns[j] for i, j in pairs])
    return Samples(row, *(field.masked_fill(outside, 0) for field in (weight, by_y, by_x)))


def _along(place: Tensor, size: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Cell before and after each coordinate of one axis, the weights of both, and their derivatives."""
    inside = place.clamp(0, size - 1)
    low = inside.nan_to_num(nan=0.0).floor()
    after = inside - low
    slope = ((place >= 0) & (place <= size - 1)).to(place.dtype)
    first = low.long()
    return (first, (first + 1).clamp(max=size - 1)), (1 - after, after), (-slope, slope)


def read(table: Tensor, samples: Samples) -> Tensor:
    """The samples' values, (M, C)."""
    value = table.index_select(0, samples.row[0]) * samples.weight[0, :, None]
    for row, weight in zip(samples.row[1:], samples.weight[1:], strict=True):
        value.addcmul_(table.index_select(0, row), weight[:, None])
    return value


def spread(grad: Tensor, samples: Samples, grad_table: Tensor) -> None:
    """Add the derivative by the cells, given that by the samples' values, (M, C), to ``grad_table``."""
    for row, weight in zip(samples.row, samples.weight, strict=True):
        grad_table.index_add_(0, row, grad * weight[:, None])
