"""Overlap of axis-parallel boxes."""

import torch
from torch import Tensor

from simmim_eval.compat.precision import widen

__all__ = ["bbox_overlaps"]

_OF_FOREGROUND = 1  # 0 is intersection over union


def bbox_overlaps(bboxes1: Tensor, bboxes2: Tensor, ious: Tensor, *, mode: int, aligned: bool, offset: int) -> None:
    """Fill ``ious``.

    Args:
        bboxes1: (M, 4) float corners x1, y1, x2, y2 in pixels.
        bboxes2: (N, 4) likewise; N = M if ``aligned``.
        ious: (M, N), or (M,) if ``aligned``; filled, with 0 where both areas are 0.
        mode: 0 intersection over union, 1 over the area of the first box.
        aligned: Compare boxes of equal index only.
        offset: 0 or 1, added to the difference of two coordinates to give a length.
    """
    first, second = widen(bboxes1, bboxes2)
    if not aligned:
        first = first[:, None]
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    intersection = (high - low + offset).clamp(min=0).prod(dim=-1)
    whole = _area(first, offset)
    if mode != _OF_FOREGROUND:
        whole = whole + _area(second, offset) - intersection
    ious.copy_(torch.where(whole > 0, intersection / whole, 0))


def _area(boxes: Tensor, offset: int) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2] + offset).prod(dim=-1)
