"""Clips played forward, still and backwards."""

import numpy as np
import pytest
import torch

from simmim_eval.transfer.recognition.order import OrderAccuracy, PlayClip

OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


@pytest.mark.parametrize(
    ("play", "frames"), [("forward", [0, 1, 2, 3]), ("still", [2, 2, 2, 2]), ("reversed", [3, 2, 1, 0])]
)
def test_frames(play, frames):
    played = PlayClip(play)({"total_frames": 4, "filename": "x.mp4"})
    np.testing.assert_array_equal(played["frame_inds"], frames)
    assert (played["play"], played["filename"], played["num_clips"]) == (play, "x.mp4", 1)


def test_unknown_play_is_refused():
    with pytest.raises(ValueError, match="sideways"):
        PlayClip("sideways")


def _samples(play, predicted, labels):
    scores = torch.eye(4)[torch.tensor(predicted)]
    return [{"play": play, "pred_score": s, "gt_label": torch.tensor([y])} for s, y in zip(scores, labels, strict=True)]


def test_each_play_is_counted_on_its_own():
    metric = OrderAccuracy(opposite=OPPOSITE)
    metric.dataset_meta = {"classes": list(OPPOSITE)}
    labels = [0, 1, 2, 3]
    metric.process({}, _samples("forward", [0, 1, 2, 0], labels))
    metric.process({}, _samples("still", [0, 0, 0, 0], labels))
    metric.process({}, _samples("reversed", [1, 0, 3, 0], labels))
    metrics = metric.evaluate(12)
    assert metrics["num_samples"] == 4
    assert metrics["top1"] == 75
    assert metrics["top1_still"] == 25
    assert metrics["opposite_reversed"] == 75
    assert metrics["top1_still_floor"] == 25
