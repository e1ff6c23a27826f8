"""Detection and instance segmentation with mmdet."""

from typing import Any

from simmim_eval.registry import METRICS
from simmim_eval.transfer.detection.task import TASK

__all__ = ["TASK"]


@METRICS.register_module(name="CocoAP")
def _coco_ap(**kwargs: Any) -> Any:
    """Build the metric; mmdet is imported only when a config asks for it."""
    from simmim_eval.transfer.detection.metric import CocoAP

    return CocoAP(**kwargs)
