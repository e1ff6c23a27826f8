"""Transfer tasks: one folder a task. A fifth task is one folder and one line here."""

from simmim_eval.task import Task
from simmim_eval.transfer import classification, detection, recognition, segmentation

__all__ = ["TASKS"]

TASKS: dict[str, Task] = {
    task.name: task for task in (classification.TASK, detection.TASK, segmentation.TASK, recognition.TASK)
}
