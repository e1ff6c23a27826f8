"""How well hidden pixels are filled in, averaged over images."""

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from simmim_eval.registry import METRICS

__all__ = ["HiddenPixelL1"]


@METRICS.register_module()
class HiddenPixelL1(BaseMetric):
    """Mean over images of the absolute error on hidden pixels, in units of the normalised image; lower is better.

    Example:
        >>> val_evaluator = dict(type="simmim_eval.HiddenPixelL1")
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep ``hidden_l1`` of each prediction of :class:`~simmim_eval.pretraining.simmim.SimMIM`."""
        self.results.extend(sample["hidden_l1"] for sample in data_samples)

    def compute_metrics(self, results: list[float]) -> dict[str, Any]:
        """``hidden_l1`` with its standard error over images."""
        return {
            "num_samples": len(results),
            "hidden_l1": float(np.mean(results)),
            "hidden_l1_std_error": float(np.std(results, ddof=1) / np.sqrt(len(results))) if len(results) > 1 else nan,
            "std_error_method": "standard deviation over images / sqrt(n)",
        }
