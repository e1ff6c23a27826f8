"""Recognition: Kinetics lists and videos in, top-1 out."""

from simmim_eval.task import MetricSpec, Task

__all__ = ["TASK"]

TASK = Task(
    name="recognition",
    version=1,
    data_format="Kinetics videos",
    metrics=(
        MetricSpec("top1", "%"),
        MetricSpec("top5", "%"),
        MetricSpec("top1_still", "%", optional=True),
        MetricSpec("opposite_reversed", "%", optional=True),
    ),
    predictions_file="predictions.csv",
)
