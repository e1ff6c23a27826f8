"""Accuracy against scikit-learn."""

import csv

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, top_k_accuracy_score

from simmim_eval.transfer.accuracy import Accuracy


def _evaluate(scores, labels, **kwargs):
    metric = Accuracy(**kwargs)
    samples = [{"pred_score": s, "gt_label": torch.tensor([y])} for s, y in zip(scores, labels, strict=True)]
    metric.process({}, samples)
    return metric.evaluate(len(samples))


@pytest.mark.parametrize("num_classes", [3, 5, 12])
def test_equals_scikit_learn(num_classes):
    rng = np.random.default_rng(num_classes)
    scores = torch.from_numpy(rng.random((97, num_classes)))
    labels = np.concatenate([np.arange(num_classes), rng.integers(num_classes, size=97 - num_classes)])
    metrics = _evaluate(scores, labels)
    assert metrics["top1"] == pytest.approx(100 * accuracy_score(labels, scores.argmax(1)))
    if num_classes > 5:
        assert metrics["top5"] == pytest.approx(100 * top_k_accuracy_score(labels, scores.numpy(), k=5))
    else:
        assert metrics["top5"] == 100
    assert metrics["num_samples"] == 97
    assert metrics["top1_floor"] == pytest.approx(100 / num_classes)


def test_standard_error_is_that_of_the_mean_of_hits():
    scores = torch.eye(4)[torch.tensor([0, 1, 2, 3, 0, 1, 2, 0])]
    labels = [0, 1, 2, 3, 1, 2, 3, 1]
    hits = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    metrics = _evaluate(scores, labels)
    assert metrics["top1_std_error"] == pytest.approx(100 * hits.std() / np.sqrt(len(hits)))


def test_predictions_are_kept(tmp_path):
    out = tmp_path / "predictions.csv"
    _evaluate(torch.eye(3), [0, 1, 0], out_file=str(out))
    rows = list(csv.DictReader(out.open()))
    assert [(row["label"], row["predicted"]) for row in rows] == [("0", "0"), ("1", "1"), ("0", "2")]
