"""Classification: ImageNet folders in, top-1 out."""

from simmim_eval.task import MetricSpec, Task

__all__ = ["TASK"]

TASK = Task(
    name="classification",
    version=1,
    data_format="ImageNet folders",
    metrics=(MetricSpec("top1", "%"), MetricSpec("top5", "%")),
    predictions_file="predictions.csv",
)
