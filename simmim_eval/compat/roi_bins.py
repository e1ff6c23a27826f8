"""Boxes cut into bins, and the regular grid of points at which each bin is sampled.

He et al., "Mask R-CNN", https://arxiv.org/abs/1703.06870, §3. Shared by the poolings that torchvision does not have.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["RoIBins", "cut_into_bins"]


class RoIBins(NamedTuple):
    """N boxes in cells of the map; each pair is y then x."""

    image: Tensor  # (N,) int64 index into the batch
    start: Tensor  # (N, 2) upper left corner
    extent: Tensor  # (N, 2) height and width
    grid: Tensor  # (N, 2) int64 points in a bin, down and across; 0 or less for none
    bins: tuple[int, int]

    def points(self) -> Iterator[tuple[int, int, Tensor]]:
        """Each place (row, column) of the grid with the indices of the boxes that have it, (n,) int64.

        The loop is over the points of one bin: the boxes, bins and channels are done at once.
        """
        if not len(self.grid):
            return
        down, across = self.grid.amax(dim=0).tolist()
        for row in range(down):
            for column in range(across):
                has = (self.grid[:, 0] > row) & (self.grid[:, 1] > column)
                yield row, column, has.nonzero()[:, 0]

    def coordinates(self, boxes: Tensor, row: int, column: int) -> tuple[Tensor, Tensor]:
        """y and x of one point of the grid in every bin of the boxes, both (n, bins down, bins across)."""
        places = []
        for axis, place in ((0, row), (1, column)):
            number = torch.arange(self.bins[axis], device=self.start.device)
            step = (self.extent[boxes, axis] / self.bins[axis])[:, None]
            within = (place + 0.5) * step / self.grid[boxes, axis, None]
            places.append(self.start[boxes, axis, None] + number * step + within)
        y, x = places
        return torch.broadcast_tensors(y[:, :, None], x[:, None, :])

    def images(self, boxes: Tensor) -> Tensor:
        """Index into the batch of every bin of the boxes, (n * bins down * bins across,)."""
        return self.image[boxes].repeat_interleave(self.bins[0] * self.bins[1])


def cut_into_bins(
    rois: Tensor, bins: tuple[int, int], spatial_scale: float, sampling_ratio: int, aligned: bool
) -> RoIBins:
    """The bins of each box.

    Args:
        rois: (N, 5) float: index into the batch, then corners x1, y1, x2, y2 in pixels.
        bins: Bins down and across.
        spatial_scale: Feature cells per pixel.
        sampling_ratio: Points per bin along each axis; 0 = one for each cell or part of a cell.
        aligned: Move the boxes by half a cell; else widen them to at least one cell.
    """
    corners = rois[:, [2, 1, 4, 3]] * spatial_scale - (0.5 if aligned else 0.0)
    start, extent = corners[:, :2], corners[:, 2:] - corners[:, :2]
    if not aligned:
        extent = extent.clamp(min=1)
    if sampling_ratio > 0:
        grid = torch.full_like(extent, sampling_ratio, dtype=torch.long)
    else:
        grid = (extent / extent.new_tensor(bins)).ceil().long()
    return RoIBins(rois[:, 0].long(), start, extent, grid, bins)
