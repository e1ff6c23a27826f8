"""Top-1 and top-5 accuracy of images and clips."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from simmim_eval.files import write_atomic
from simmim_eval.registry import METRICS
from simmim_eval.transfer.uncertainty import binomial_std_error

__all__ = ["Accuracy", "accuracy_metrics", "predictions_csv"]


@METRICS.register_module()
class Accuracy(BaseMetric):
    """Top-1 and top-5 (%) with their standard errors over samples; the floor is that of a uniform guess.

    .. code-block:: python

        test_evaluator = dict(type="simmim_eval.Accuracy")

    Args:
        out_file: CSV of kept predictions: label, best class and whether the label is among the best five.
    """

    def __init__(self, out_file: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.out_file = out_file

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep (label, predicted class, hit in the top five, number of classes) of each sample."""
        del data_batch
        self.results.extend(judge(sample) for sample in data_samples)

    def compute_metrics(self, results: list[tuple[int, int, bool, int]]) -> dict[str, Any]:
        """Top-1 and top-5 over all samples."""
        if self.out_file:
            write_atomic(self.out_file, predictions_csv(results), overwrite=True)
        return accuracy_metrics(results)


def judge(sample: dict[str, Any]) -> tuple[int, int, bool, int]:
    """(label, predicted class, hit in the top five, number of classes) of one sample.

    Args:
        sample: ``pred_score`` (num_classes,) and ``gt_label``, a number or a tensor of one.
    """
    scores, label = sample["pred_score"].flatten(), int(sample["gt_label"])
    best = scores.topk(min(5, len(scores))).indices.tolist()
    return label, best[0], label in best, len(scores)


def accuracy_metrics(results: list[tuple[int, int, bool, int]]) -> dict[str, Any]:
    """``top1``, ``top5``, their standard errors and floors, in per cent."""
    num_samples, num_classes = len(results), results[0][3]
    hits = {
        "top1": float(np.mean([label == best for label, best, _, _ in results])),
        "top5": float(np.mean([hit for _, _, hit, _ in results])),
    }
    metrics: dict[str, Any] = {"num_samples": num_samples, "std_error_method": "binomial over samples"}
    for name, share in hits.items():
        metrics[name] = 100 * share
        metrics[f"{name}_std_error"] = 100 * binomial_std_error(share, num_samples)
    metrics["top1_floor"] = 100 / num_classes
    metrics["top5_floor"] = 100 * min(5, num_classes) / num_classes
    return metrics


def predictions_csv(results: list[tuple[int, int, bool, int]]) -> str:
    """The kept predictions as text."""
    rows = (f"{label},{best},{int(hit)}\n" for label, best, hit, _ in results)
    return "label,predicted,in_top5\n" + "".join(rows)
