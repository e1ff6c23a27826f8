"""Pre-training seen as a task: image folders in, error on hidden pixels out."""

from pathlib import Path

from mmengine.runner import Runner

from simmim_eval.pretraining.reconstruction import save_reconstructions
from simmim_eval.task import MetricSpec, Task

__all__ = ["TASK"]

PICTURES = 8


def _draw_reconstructions(runner: Runner, folder: Path) -> Path:
    """A grid of images from over the whole evaluated set."""
    dataset = runner.test_dataloader.dataset
    indices = range(0, len(dataset), max(1, len(dataset) // PICTURES))
    path = folder / "reconstructions.png"
    save_reconstructions(runner.model, [dataset[index] for index in indices[:PICTURES]], path)
    return path


TASK = Task(
    name="pretraining",
    version=1,
    data_format="ImageNet folders",
    metrics=(MetricSpec("hidden_l1", "", higher_is_better=False),),
    illustrate=_draw_reconstructions,
)
