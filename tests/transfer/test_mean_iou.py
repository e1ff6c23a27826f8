"""mIoU against scikit-learn's Jaccard score, its bootstrap against a plain loop."""

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

import simmim_eval.compat  # noqa: F401


@pytest.fixture(scope="module")
def maps():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, size=(6, 9, 7))
    predicted = np.where(rng.random(labels.shape) < 0.6, labels, rng.integers(0, 4, size=labels.shape))
    labels[:, :2] = 255
    return labels, predicted


def _evaluate(labels, predicted, num_classes=5, **kwargs):
    from simmim_eval.transfer.segmentation.metric import MeanIoU

    metric = MeanIoU(**kwargs)
    metric.dataset_meta = {"classes": [str(c) for c in range(num_classes)]}
    samples = [
        {
            "pred_sem_seg": {"data": torch.from_numpy(p)[None]},
            "gt_sem_seg": {"data": torch.from_numpy(y)[None]},
            "img_path": f"somewhere/{i}.jpg",
        }
        for i, (y, p) in enumerate(zip(labels, predicted, strict=True))
    ]
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def _jaccard(labels, predicted):
    seen = labels != 255
    return 100 * jaccard_score(labels[seen], predicted[seen], average="macro")


def test_equals_scikit_learn_and_ignores_255_and_absent_classes(maps):
    labels, predicted = maps
    metrics = _evaluate(labels, predicted)
    assert metrics["miou"] == pytest.approx(_jaccard(labels, predicted))
    seen = labels != 255
    assert metrics["pixel_accuracy"] == pytest.approx(100 * np.mean(labels[seen] == predicted[seen]))


def test_floor_is_the_best_constant_answer(maps):
    labels, predicted = maps
    constants = [_evaluate(labels, np.full_like(labels, c))["miou"] for c in range(4)]
    assert _evaluate(labels, predicted)["miou_floor"] == pytest.approx(max(constants))


def test_bootstrap_recomputes_the_metric_for_each_resample(maps):
    labels, predicted = maps
    rng = np.random.default_rng(1)
    resampled = []
    for _ in range(2000):
        images = rng.integers(0, len(labels), size=len(labels))
        resampled.append(_jaccard(labels[images], predicted[images]))
    assert _evaluate(labels, predicted)["miou_std_error"] == pytest.approx(np.std(resampled), rel=0.2)


def test_predictions_are_kept(maps, tmp_path):
    labels, predicted = maps
    _evaluate(labels, predicted, out_file=str(tmp_path / "predictions.npz"))
    with np.load(tmp_path / "predictions.npz") as kept:
        assert sorted(kept) == [str(i) for i in range(len(labels))]
        np.testing.assert_array_equal(kept["3"], predicted[3])
