"""Semantic segmentation: ADE20K label maps in, mIoU out."""

from simmim_eval.task import MetricSpec, Task

__all__ = ["TASK"]

TASK = Task(
    name="segmentation",
    version=1,
    data_format="ADE20K label maps",
    metrics=(MetricSpec("miou", "%"), MetricSpec("pixel_accuracy", "%")),
    predictions_file="predictions.npz",
)
