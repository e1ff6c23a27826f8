"""Deformable RoI pooling: RoIAlign whose bins are moved.

Dai et al., "Deformable Convolutional Networks", https://arxiv.org/abs/1703.06211, equations 5 and 6, with bilinear
samples as in RoIAlign: the bin (i, j) is moved by gamma times the size of its box times its offset. Boxes are moved by
half a cell first. The derivative is that of this definition: where the border is extended by up to a cell it is zero by
the offset, while a compiled mmcv takes the slope of the last two cells.
"""

import torch
from torch import Tensor

from simmim_eval.compat.bilinear import Samples, cell_table, from_cell_table, locate, read, spread
from simmim_eval.compat.precision import widen
from simmim_eval.compat.roi_bins import RoIBins, cut_into_bins

__all__ = ["deform_roi_pool_backward", "deform_roi_pool_forward"]


def deform_roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    offset: Tensor,
    output: Tensor,
    *,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    gamma: float,
) -> None:
    """Fill ``output``.

    Args:
        input: (B, C, H, W) float features.
        rois: (N, 5) float: index into the batch, then corners x1, y1, x2, y2 in pixels.
        offset: (N, 2, pooled_height, pooled_width) float, x then y, in sizes of the box; or empty for none.
        output: (N, C, pooled_height, pooled_width), filled; 0 for a bin without samples.
        pooled_height: Bins down.
        pooled_width: Bins across.
        spatial_scale: Feature cells per pixel.
        sampling_ratio: Samples per bin along each axis; 0 = one for each cell or part of a cell.
        gamma: Factor of the offsets.
    """
    features, rois, offset = widen(input, rois, offset)
    bins = cut_into_bins(rois, (pooled_height, pooled_width), spatial_scale, sampling_ratio, aligned=True)
    table = cell_table(features)
    total = table.new_zeros(len(rois), pooled_height, pooled_width, table.shape[1])
    for row, column, boxes in bins.points():
        samples = _samples(bins, boxes, (row, column), offset, gamma, features.shape[2:])
        total[boxes] += read(table, samples).view(len(boxes), *total.shape[1:])
    output.copy_((total / _count(bins)).permute(0, 3, 1, 2))


def deform_roi_pool_backward(
    grad_output: Tensor,
    input: Tensor,
    rois: Tensor,
    offset: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    *,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    gamma: float,
) -> None:
    """Fill ``grad_input`` and, if there are offsets, ``grad_offset``; the other arguments as in the forward pass."""
    grad, features, rois, offset = widen(grad_output, input, rois, offset)
    bins = cut_into_bins(rois, (pooled_height, pooled_width), spatial_scale, sampling_ratio, aligned=True)
    table = cell_table(features)
    to_table, to_offset = torch.zeros_like(table), torch.zeros_like(offset)
    grad = grad.permute(0, 2, 3, 1) / _count(bins)
    for row, column, boxes in bins.points():
        samples = _samples(bins, boxes, (row, column), offset, gamma, features.shape[2:])
        each = grad[boxes].reshape(-1, table.shape[1])
        spread(each, samples, to_table)
        if offset.numel():
            pull = torch.stack([(each * table[cell]).sum(dim=1) for cell in samples.row])
            by_x, by_y = (pull * samples.by_x).sum(dim=0), (pull * samples.by_y).sum(dim=0)
            to_offset[boxes] += torch.stack((by_x, by_y)).view(2, len(boxes), *bins.bins).transpose(0, 1)
    grad_input.copy_(from_cell_table(to_table, input.shape))
    if offset.numel():
        grad_offset.copy_(to_offset * _reach(bins, gamma))


def _reach(bins: RoIBins, gamma: float) -> Tensor:
    """Cells by which an offset of 1 moves a bin, (N, 2, 1, 1), x then y as the offsets."""
    return gamma * bins.extent.flip(1)[:, :, None, None]


def _count(bins: RoIBins) -> Tensor:
    """Samples in each bin, at least 1, (N, 1, 1, 1)."""
    return bins.grid.clamp(min=0).prod(dim=1).clamp(min=1)[:, None, None, None]


def _samples(
    bins: RoIBins, boxes: Tensor, place: tuple[int, int], offset: Tensor, gamma: float, size: torch.Size
) -> Samples:
    """One place of the grid in each bin of the boxes, moved."""
    y, x = bins.coordinates(boxes, *place)
    if offset.numel():
        moved = offset[boxes] * _reach(bins, gamma)[boxes]
        x, y = x + moved[:, 0], y + moved[:, 1]
    return locate(bins.images(boxes), y.flatten(), x.flatten(), size)
