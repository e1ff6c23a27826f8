"""Evaluate a checkpoint under a config that fits it, and compare with the published number."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner
from torch import nn

from simmim_eval import compat
from simmim_eval.engine.faults import explained
from simmim_eval.engine.hooks import Progress, ProgressCallback
from simmim_eval.engine.recipe import REPORTED_SPLIT, fields, recipe_of
from simmim_eval.engine.verify.cited import CITED, NUM_SAMPLES, Cited, find_cited
from simmim_eval.engine.verify.recipe import evaluation_config
from simmim_eval.engine.verify.timm_model import SCHEME, timm_classifier
from simmim_eval.engine.verify.whole import load_whole
from simmim_eval.errors import ConfigError, nearest
from simmim_eval.records import Metric
from simmim_eval.task import Task
from simmim_eval.transfer import TASKS
from simmim_eval.weights import Checkpoint, read_checkpoint

__all__ = ["Comparison", "Verdict", "verify"]

LEAST = 0.3  # points that a measurement may always differ by
SPREADS = 2.0  # and so many times the spread of published measurements
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Comparison:
    """One metric beside its published number, in the metric's unit."""

    measured: Metric
    cited: float
    tolerance: float

    @property
    def difference(self) -> float:
        """Measured less cited."""
        return self.measured.value - self.cited

    @property
    def is_within(self) -> bool:
        """Whether the two agree."""
        return abs(self.difference) <= self.tolerance

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval over images, None where the metric has no standard error."""
        if self.measured.std_error is None:
            return None
        half = NORMAL_95 * self.measured.std_error
        return self.measured.value - half, self.measured.value + half


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes:
        loaded: How the file came into the model.
        comparisons: One a metric that has a cited number.
        source: Where the cited numbers stand.
        note: What a reader should know before he believes it; empty if nothing.
    """

    loaded: str
    comparisons: tuple[Comparison, ...]
    source: str
    note: str

    @property
    def is_within(self) -> bool:
        """Whether all metrics agree with their numbers."""
        return all(comparison.is_within for comparison in self.comparisons)


def verify(
    task: str,
    source: str,
    root: Path,
    *,
    config: str | None = None,
    expect: float | None = None,
    split: str = REPORTED_SPLIT,
    progress: ProgressCallback | None = None,
) -> Verdict:
    """Evaluate a checkpoint of a whole model and compare it with its published number.

    Args:
        task: One of the transfer tasks.
        source: A file, ``timm:NAME``, ``hf:OWNER/NAME/FILE`` or an address with its hash.
        root: Folder of the data.
        config: A recipe or stock config; None takes that of the cited checkpoint or of a file of ours.
        expect: The number of the primary metric to compare with, in place of a cited one.
        split: The evaluated split, of a recipe.
        progress: Told of each step.

    Raises:
        ConfigError: Unknown task, no number to compare with, no config, or one that does not fit.
        CheckpointError: The file cannot be read, or does not hold the whole model.
        DataError: The data cannot be read.
    """
    compat.install()
    if task not in TASKS:
        raise ConfigError(f"verify {task}: no transfer task; {nearest(task, TASKS)}")
    cited = _cited(TASKS[task], source, expect)
    checkpoint = read_checkpoint(source)
    if config is None and source.startswith(SCHEME) and task == "classification":
        model, loaded, bound = timm_classifier(checkpoint, root, split)
    else:
        name = config or cited.config or _own_recipe(checkpoint, source)
        bound = evaluation_config(task, name, root, split)
        with explained(Path(name), bound):
            model, loaded = _built(bound, checkpoint)
    metrics = {metric.name: metric for metric in _evaluate(TASKS[task], model, bound, progress)}
    absent = [name for name in cited.values if name not in metrics]
    if absent:
        raise ConfigError(f"verify {task}: measured no {', '.join(absent)}, only {', '.join(metrics)}. Give --config.")
    tolerance = max(LEAST, SPREADS * cited.spread)
    comparisons = tuple(Comparison(metrics[name], value, tolerance) for name, value in cited.values.items())
    return Verdict(loaded, comparisons, cited.source, _note(task, comparisons[0].measured.num_samples))


def _cited(task: Task, source: str, expect: float | None) -> Cited:
    known = find_cited(source, task.name)
    if expect is not None:
        return Cited(source, task.name, {task.metrics[0].name: expect}, "--expect", known.config if known else None)
    if known is None:
        names = ", ".join(cited.checkpoint for cited in CITED if cited.task == task.name)
        raise ConfigError(f"{source}: no cited number is known for it. Give --expect VALUE; cited are: {names}.")
    return known


def _own_recipe(checkpoint: Checkpoint, source: str) -> str:
    if checkpoint.recipe is None:
        raise ConfigError(
            f"{source}: which model is it? Give --config, a recipe or a stock config such as "
            "mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py."
        )
    return recipe_of(checkpoint.path)


def _built(config: Config, checkpoint: Checkpoint) -> tuple[nn.Module, str]:
    with DefaultScope.overwrite_default_scope(config.get("default_scope", "mmengine")):
        model: nn.Module = MODELS.build(config.model)
    return model, load_whole(model, checkpoint)


def _evaluate(task: Task, model: nn.Module, config: Config, progress: ProgressCallback | None) -> tuple[Metric, ...]:
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(
            model=model,
            work_dir=folder,
            test_dataloader=config.test_dataloader,
            test_evaluator=config.test_evaluator,
            test_cfg=config.test_cfg,
            default_scope=config.get("default_scope", "mmengine"),
            experiment_name=f"verify-{id(model)}",
            log_level="ERROR",
            cfg=Config({"model": {}, "work_dir": folder}),
        )
        classes = runner.test_dataloader.dataset.metainfo.get("classes") or ()
        _check_classes(model, config, len(classes))
        if progress:
            runner.register_hook(Progress(progress))
        return task.read_metrics(runner.test())


def _check_classes(model: Any, config: Config, num_classes: int) -> None:
    """Labels are numbers: they mean the same only if the head and the data have equally many classes."""
    stated: Mapping[str, int] = dict(fields(config.get("model", {}), "num_classes", "model."))
    if hasattr(model, "model") and hasattr(model.model, "num_classes"):
        stated = {"the model": model.model.num_classes}
    for place, value in stated.items():
        if num_classes and value != num_classes and "rpn_head" not in place:
            raise ConfigError(
                f"{place} has {value} classes, the data {num_classes}: their labels are not the same. Give the data "
                "that the checkpoint was trained for, all class folders included."
            )


def _note(task: str, num_samples: int | None) -> str:
    published = NUM_SAMPLES[task]
    if num_samples is None or num_samples == published:
        return ""
    return f"measured over {num_samples:,} samples, published over {published:,}"
