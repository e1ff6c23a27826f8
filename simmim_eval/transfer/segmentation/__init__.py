"""Semantic segmentation with mmseg."""

from typing import Any

from simmim_eval.registry import METRICS
from simmim_eval.transfer.segmentation.task import TASK

__all__ = ["TASK"]


@METRICS.register_module(name="MeanIoU")
def _mean_iou(**kwargs: Any) -> Any:
    """Build the metric; mmseg is imported only when a config asks for it."""
    from simmim_eval.transfer.segmentation.metric import MeanIoU

    return MeanIoU(**kwargs)
