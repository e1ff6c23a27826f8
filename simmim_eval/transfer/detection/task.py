"""Detection and instance segmentation: COCO in, box AP (primary) out, and mask AP of detectors that have masks."""

from simmim_eval.task import MetricSpec, Task

__all__ = ["TASK"]

TASK = Task(
    name="detection",
    version=1,
    data_format="COCO instances",
    metrics=(
        MetricSpec("box_ap", "points", floor=0.0),
        MetricSpec("mask_ap", "points", floor=0.0, optional=True),
        MetricSpec("box_ap50", "points", floor=0.0),
        MetricSpec("mask_ap50", "points", floor=0.0, optional=True),
    ),
    predictions_file="predictions.json",
)
