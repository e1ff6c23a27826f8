"""RoIAlign with max pooling, which torchvision lacks: each bin is the largest of its bilinear samples.

Called by :mod:`simmim_eval.compat.roi_align` for ``pool_mode`` 0. The two buffers that mmcv keeps for the backward pass
hold each bin's place in the grid of samples, exact in half precision; a compiled mmcv keeps coordinates there.
"""

import torch
from torch import Tensor

from simmim_eval.compat.bilinear import cell_table, from_cell_table, locate, read, spread
from simmim_eval.compat.roi_bins import RoIBins

__all__ = ["max_of_samples", "max_of_samples_backward"]


def max_of_samples(features: Tensor, bins: RoIBins) -> tuple[Tensor, Tensor, Tensor]:
    """Largest sample of each bin, and its row and column in the grid, all (N, C, bins down, bins across).

    A bin without samples is 0 at -1; the first of equal samples is taken.
    """
    table = cell_table(features)
    largest = table.new_full((len(bins.image), *bins.bins, table.shape[1]), -torch.inf)
    at_row, at_column = torch.full_like(largest, -1), torch.full_like(largest, -1)
    for row, column, boxes in bins.points():
        y, x = bins.coordinates(boxes, row, column)
        samples = locate(bins.images(boxes), y.flatten(), x.flatten(), features.shape[2:])
        value = read(table, samples).view(len(boxes), *largest.shape[1:])
        best = largest[boxes]
        larger = (value > best) | value.isnan()
        largest[boxes] = torch.where(larger, value, best)
        at_row[boxes] = at_row[boxes].masked_fill(larger, row)
        at_column[boxes] = at_column[boxes].masked_fill(larger, column)
    largest.masked_fill_(at_row < 0, 0)
    return largest.permute(0, 3, 1, 2), at_row.permute(0, 3, 1, 2), at_column.permute(0, 3, 1, 2)


def max_of_samples_backward(
    grad: Tensor, bins: RoIBins, at_row: Tensor, at_column: Tensor, shape: torch.Size
) -> Tensor:
    """The derivative by the features, of ``shape`` (B, C, H, W)."""
    batch, channels, height, width = shape
    table = grad.new_zeros(batch * height * width, channels)
    grad, at_row, at_column = (tensor.permute(0, 2, 3, 1) for tensor in (grad, at_row, at_column))
    for row, column, boxes in bins.points():
        y, x = bins.coordinates(boxes, row, column)
        samples = locate(bins.images(boxes), y.flatten(), x.flatten(), shape[2:])
        chosen = (at_row[boxes] == row) & (at_column[boxes] == column)
        spread(torch.where(chosen, grad[boxes], 0).reshape(-1, channels), samples, table)
    return from_cell_table(table, shape)
