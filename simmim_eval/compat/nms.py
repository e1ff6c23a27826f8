"""Greedy non-maximum suppression, by torchvision, and the groups of boxes that it forms.

The boxes are visited by falling score; a box is dropped if its intersection over union with a kept one is above the
threshold (the rule of Felzenszwalb et al., "Object Detection with Discriminatively Trained Part-Based Models",
TPAMI 2010, §7.2, on IoU as in Faster R-CNN, https://arxiv.org/abs/1506.01497, §3.3).
"""

import torch
import torchvision
from torch import Tensor

from simmim_eval.compat.precision import widen

__all__ = ["nms", "nms_match"]


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes that are kept, by falling score; equal scores keep their order.

    Args:
        boxes: (N, 4) float, corners x1, y1, x2, y2 in pixels.
        scores: (N,) float.
        iou_threshold: A box that overlaps a kept one by more than this is dropped; two boxes without area never do.
        offset: 0 where x2, y2 are the far edge of the box; 1 where they are its last pixel (width x2 - x1 + 1).

    Returns:
        (K,) int64, on the device of the boxes.
    """
    boxes, scores = widen(boxes, scores)
    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    kept: Tensor = torchvision.ops.nms(boxes, scores, _rounded(iou_threshold, boxes))
    return kept


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Each box that is kept, by falling score, followed by those it drops, by falling score.

    PISA (Cao et al., "Prime Sample Attention in Object Detection", https://arxiv.org/abs/1904.04821) ranks samples
    within such groups. Unlike :func:`nms`, a box is dropped from the threshold on.

    Args:
        dets: (N, 5) float: corners x1, y1, x2, y2 in pixels, and the score.
        iou_threshold: A box that overlaps a kept one by this or more joins its group.
    """
    (dets,) = widen(dets)
    boxes, threshold = dets[:, :4], _rounded(iou_threshold, dets)
    left = dets[:, 4].argsort(descending=True, stable=True)
    groups = []
    while len(left):
        overlaps = torchvision.ops.box_iou(boxes[left[:1]], boxes[left])[0]
        joins = overlaps >= threshold
        joins[0] = True  # also a box without area
        groups.append(left[joins].tolist())
        left = left[~joins]
    return groups


def _rounded(threshold: float, boxes: Tensor) -> float:
    """The threshold rounded as the overlaps are: in float64, 0.3 lies below the float32 quotient 3 / 10."""
    return torch.tensor(threshold, dtype=boxes.dtype).item()
