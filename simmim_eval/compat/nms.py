"""Greedy non-maximum suppression, by torchvision.

The boxes are visited by falling score; a box is dropped if its intersection over union with a kept one is above the
threshold (the rule of Felzenszwalb et al., "Object Detection with Discriminatively Trained Part-Based Models",
TPAMI 2010, §7.2, on IoU as in Faster R-CNN, https://arxiv.org/abs/1506.01497, §3.3).
"""

import torch
import torchvision
from torch import Tensor

from simmim_eval.compat.precision import widen

__all__ = ["nms"]


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
    # Rounded as the overlaps are: in float64, 0.3 lies below the float32 quotient 3 / 10.
    threshold = torch.tensor(iou_threshold, dtype=boxes.dtype).item()
    kept: Tensor = torchvision.ops.nms(boxes, scores, threshold)
    return kept
