"""RoI max pooling as mmcv computes it.

Girshick, "Fast R-CNN", https://arxiv.org/abs/1504.08083, §2.1: a box is cut into bins, each bin is the largest value of
the cells it touches. Corners are the first and last pixel of the box and are not rounded to cells (torchvision rounds
them); bins that overlap share their border cells.
"""

import torch
from torch import Tensor

from simmim_eval.compat.precision import widen

__all__ = ["roi_pool_backward", "roi_pool_forward"]


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    *,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Fill ``output`` and ``argmax``.

    Args:
        input: (B, C, H, W) float features.
        rois: (N, 5) float: index into the batch, then corners x1, y1, x2, y2 in pixels.
        output: (N, C, pooled_height, pooled_width), filled; 0 where a bin has no cell.
        argmax: Likewise int32, filled with row * W + column of the largest cell, the first of equals, or -1 for none.
        pooled_height: Bins down.
        pooled_width: Bins across.
        spatial_scale: Feature cells per pixel.
    """
    (rois,) = widen(rois)
    height, width = input.shape[2:]
    left, right = _edges(rois[:, 1], rois[:, 3], pooled_width, spatial_scale, width)
    top, bottom = _edges(rois[:, 2], rois[:, 4], pooled_height, spatial_scale, height)
    columns = torch.stack((left, right), dim=2).tolist()
    rows = torch.stack((top, bottom), dim=2).tolist()
    for n, image in enumerate(rois[:, 0].tolist()):
        output[n], argmax[n] = _max_of_bins(input[int(image)], rows[n], columns[n])
    empty = ~((bottom > top)[:, :, None] & (right > left)[:, None, :])
    output.masked_fill_(empty[:, None], 0)
    argmax.masked_fill_(empty[:, None], -1)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    *,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add each element of ``grad_output`` to the cell of ``grad_input``, (B, C, H, W), that it was taken from."""
    batch, channels, height, width = grad_input.shape
    (grad,) = widen(grad_output)
    total = grad.new_zeros(batch * channels * height * width)
    plane = rois[:, 0].long()[:, None] * channels + torch.arange(channels, device=rois.device)
    cell = plane[:, :, None, None] * (height * width) + argmax
    taken = argmax >= 0
    total.index_add_(0, cell[taken], grad[taken])
    grad_input.copy_(total.view(grad_input.shape))


def _edges(low: Tensor, high: Tensor, bins: int, scale: float, size: int) -> tuple[Tensor, Tensor]:
    """First cell of each bin and the one after its last, (N, bins) int64 within 0..size; equal where it has none."""
    start, stop = low * scale, (high + 1) * scale
    step = ((stop - start) / bins)[:, None]
    number = torch.arange(bins, device=low.device)
    first = (number * step + start[:, None]).floor().long().clamp(0, size)
    after = ((number + 1) * step + start[:, None]).ceil().long().clamp(0, size)
    return first, torch.where(step > 0, after, first)


def _max_of_bins(plane: Tensor, rows: list[list[int]], columns: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Largest value and its cell for each bin of one (C, H, W) map; anything for a bin without cells.

    First along each row, then down, so that the first of equals in reading order is taken.
    """
    channels, _, width = plane.shape
    above, below = rows[0][0], rows[-1][1]
    strip = plane.new_zeros(channels, max(below - above, 0), len(columns))
    column = torch.zeros(strip.shape, dtype=torch.long, device=plane.device)
    for j, (left, right) in enumerate(columns):
        if right > left:
            strip[:, :, j], column[:, :, j] = plane[:, above:below, left:right].max(dim=2)
            column[:, :, j] += left
    value = plane.new_zeros(channels, len(rows), len(columns))
    cell = torch.zeros(value.shape, dtype=torch.long, device=plane.device)
    for i, (top, bottom) in enumerate(rows):
        if bottom > top:
            value[:, i], row = strip[:, top - above : bottom - above].max(dim=1)
            row += top - above
            cell[:, i] = (row + above) * width + column.gather(1, row[:, None])[:, 0]
    return value, cell
