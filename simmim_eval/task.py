"""What a task knows of itself (contract 3): its data format, its metrics, and how to read them.

A task never knows which initialisation it is given, and nothing outside its folder asks which task it is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simmim_eval.errors import ConfigError
from simmim_eval.records import Metric

__all__ = ["MetricSpec", "Task"]


@dataclass(frozen=True)
class MetricSpec:
    """One number that a task reports.

    Attributes:
        name: As the papers print it; also the key under which the task's evaluator returns the value.
        unit: ``"%"``, ``"points"`` (COCO's 0 to 100), empty for a loss.
        higher_is_better: Direction.
        floor: What a model that learnt nothing gets, where that does not depend on the data; otherwise the
            evaluator returns it as ``<name>_floor``.
        optional: The evaluator returns it only for some data sets.
    """

    name: str
    unit: str
    higher_is_better: bool = True
    floor: float | None = None
    optional: bool = False


@dataclass(frozen=True)
class Task:
    """A transfer task, or pre-training seen as one.

    Attributes:
        name: The word used in configs (``task = "detection"``).
        version: Raised by hand when the metric or the evaluation changes, so that old numbers never mix with new.
        data_format: On-disk format, by the benchmark that set it.
        metrics: The primary metric first.
        predictions_file: Name of the file of kept predictions, or None when the evaluator keeps none.
        illustrate: Draws what the evaluated model does; from (runner, folder) to the file written.
    """

    name: str
    version: int
    data_format: str
    metrics: tuple[MetricSpec, ...]
    predictions_file: str | None = None
    illustrate: Callable[[Any, Path], Path] | None = None

    def read_metrics(self, raw: Mapping[str, Any]) -> tuple[Metric, ...]:
        """Turn what the evaluator returned into metrics of a record.

        Args:
            raw: ``name``, and where they exist ``name_std_error``, ``name_floor``; ``num_samples`` once.

        Raises:
            ConfigError: The evaluator did not return a metric of this task.
        """
        metrics = []
        for spec in self.metrics:
            if spec.name not in raw:
                if spec.optional:
                    continue
                raise ConfigError(
                    f"test_evaluator: returned no {spec.name!r}, the task {self.name} reports it (returned: "
                    f"{', '.join(sorted(raw))}). Use the evaluator of the task's own recipes."
                )
            std_error = raw.get(f"{spec.name}_std_error")
            if std_error is not None and not math.isfinite(std_error):
                std_error = None  # one sample has no standard error
            metrics.append(
                Metric(
                    name=spec.name,
                    value=float(raw[spec.name]),
                    unit=spec.unit,
                    higher_is_better=spec.higher_is_better,
                    floor=raw.get(f"{spec.name}_floor", spec.floor),
                    primary=spec is self.metrics[0],
                    num_samples=int(raw["num_samples"]),
                    std_error=std_error,
                    std_error_over=None if std_error is None else "images",
                    std_error_method=None if std_error is None else str(raw["std_error_method"]),
                )
            )
        return tuple(metrics)
