"""Soft-NMS: overlapping boxes lose score instead of being dropped.

Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code", https://arxiv.org/abs/1704.04503,
the algorithm of figure 2 with one of three decays f(IoU) of §3. Always on the CPU: ``mmcv.ops.soft_nms`` moves its
tensors there.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simmim_eval.compat.precision import widen

__all__ = ["softnms"]

_Array = NDArray[np.floating]

_LINEAR, _GAUSSIAN = 1, 2  # 0 is naive


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Repeat: take the box with the highest score, decay the scores of all that remain, drop those under ``min_score``.

    A box is tested against ``min_score`` only when another one is taken: the first is kept whatever its score. Among
    equal scores the first in the list is taken; a dropped box is replaced by the last one of the list, as in mmcv.

    Args:
        boxes: (N, 4) float on the CPU, corners x1, y1, x2, y2 in pixels.
        scores: (N,) float.
        dets: (N, 5) buffer; its first K rows receive the corners and decayed score of the boxes taken, in order.
        iou_threshold: From this overlap on, naive and linear decay.
        sigma: Width of the gaussian decay, in IoU squared; > 0.
        min_score: A remaining box whose decayed score is below is dropped.
        method: 0 naive (f = 0), 1 linear (f = 1 - IoU), 2 gaussian (f = exp(-IoU² / sigma), at any overlap).
        offset: 0 or 1, added to the difference of two coordinates to give a length.

    Returns:
        (K,) int64, the index of each box taken.
    """
    boxes, scores = widen(boxes.detach(), scores.detach())
    table: _Array = torch.cat((boxes, scores[:, None]), dim=1).numpy()
    index = np.arange(len(table))
    taken, count = 0, len(table)
    while taken < count:
        best = taken + int(table[taken:count, 4].argmax())
        for column in (table, index):
            column[[taken, best]] = column[[best, taken]]
        rest = table[taken + 1 : count]
        overlap = _overlap(table[taken, :4], rest[:, :4], offset)
        rest[:, 4] *= _decay(overlap, iou_threshold, sigma, method)
        kept = _fill_holes(rest[:, 4] >= min_score)
        taken, count = taken + 1, taken + 1 + len(kept)
        for column in (table, index):
            column[taken:count] = column[taken:][kept]
    dets[:count] = torch.from_numpy(table[:count])
    return torch.from_numpy(index[:count])


def _overlap(box: _Array, others: _Array, offset: int) -> _Array:
    """IoU of (4,) with (M, 4), in (M,); zero where both have no area."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    intersection = np.maximum(high - low + offset, 0).prod(axis=1)
    area = (box[2:] - box[:2] + offset).prod()
    areas = (others[:, 2:] - others[:, :2] + offset).prod(axis=1)
    union = area + areas - intersection
    overlap: _Array = np.zeros_like(union)
    np.divide(intersection, union, out=overlap, where=union > 0)
    return overlap


def _decay(overlap: _Array, iou_threshold: float, sigma: float, method: int) -> _Array:
    """The factor f(IoU), (M,), of §3 of the paper."""
    if method == _GAUSSIAN:
        factor: _Array = np.exp(-(overlap**2) / sigma)
        return factor
    factor = np.ones_like(overlap)
    over = overlap >= iou_threshold
    factor[over] = 1 - overlap[over] if method == _LINEAR else 0
    return factor


def _fill_holes(alive: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Order of the K living entries after each dead one, from the front, gave its place to the last living one."""
    order = np.arange(np.count_nonzero(alive))
    holes = ~alive[: len(order)]
    order[holes] = len(order) + np.flatnonzero(alive[len(order) :])[::-1]
    return order
