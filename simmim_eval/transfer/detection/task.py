"""Detection and instance segmentation: COCO in, box AP (primary) and mask AP out."""

from simmim_eval.task import MetricSpec, Task

__all__ = ["TASK"]

TASK = Task(
    name="detection",
    version=1,
    data_format="COCO instances",
    metrics=(
        MetricSpec("box_ap", "points", floor=0.0),
        MetricSpec("mask_ap", "points", floor=0.0),
        MetricSpec("box_ap50", "points", floor=0.0),
        MetricSpec("mask_ap50", "points", floor=0.0),
    ),
    predictions_file="predictions.json",
)
