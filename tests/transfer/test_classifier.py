"""The classifier's loss, preprocessing and head."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from simmim_eval.transfer.classification.classifier import ClassificationPreprocessor, ImageClassifier
from simmim_eval.transfer.classification.transforms import TimmTransform

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
BACKBONE = dict(type="simmim_eval.Swin", arch="nano", img_size=48, out_indices=(2,))


def _preprocessor(**kwargs):
    return dict(type="simmim_eval.ClassificationPreprocessor", num_classes=5, mean=MEAN, std=STD, **kwargs)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return {"inputs": torch.randint(256, (4, 3, 48, 48), dtype=torch.uint8), "gt_label": torch.tensor([0, 3, 1, 4])}


def test_loss_is_smoothed_cross_entropy(batch):
    model = ImageClassifier(BACKBONE, num_classes=5, data_preprocessor=_preprocessor(label_smoothing=0.1))
    data = model.data_preprocessor(batch, training=True)
    loss = model(**data, mode="loss")["loss"]
    logits = model(data["inputs"], mode="tensor")
    torch.testing.assert_close(loss, F.cross_entropy(logits, batch["gt_label"], label_smoothing=0.1))


def test_head_reads_the_mean_of_the_last_map(batch):
    model = ImageClassifier(BACKBONE, num_classes=5, data_preprocessor=_preprocessor()).eval()
    data = model.data_preprocessor(batch)
    predictions = model(**data, mode="predict")
    pooled = model.backbone(data["inputs"])[-1].flatten(2).mean(-1)
    scores = (pooled @ model.head.weight.T + model.head.bias).softmax(-1)
    torch.testing.assert_close(torch.stack([p["pred_score"] for p in predictions]), scores)
    assert [int(p["gt_label"]) for p in predictions] == [0, 3, 1, 4]


def test_without_mixing_an_odd_batch_stays_whole(batch):
    odd = {key: value[:3] for key, value in batch.items()}
    data = ClassificationPreprocessor(5, MEAN, STD, 0.1)(odd, training=True)
    assert len(data["inputs"]) == 3
    expected = torch.full((3, 5), 0.1 / 5)
    expected[torch.arange(3), odd["gt_label"]] += 0.9
    assert torch.allclose(data["labels"], expected)


def test_mixing_keeps_targets_a_distribution_and_drops_the_odd_image(batch):
    preprocessor = ClassificationPreprocessor(5, MEAN, STD, 0.1, {"mixup_alpha": 0.8, "cutmix_alpha": 1.0}, 0.25)
    odd = {key: value[:3] for key, value in batch.items()}
    data = preprocessor(odd, training=True)
    assert len(data["inputs"]) == len(data["labels"]) == 2
    torch.testing.assert_close(data["labels"].sum(1), torch.ones(2))


def test_evaluation_only_normalises(batch):
    data = ClassificationPreprocessor(5, MEAN, STD, 0.1, {"mixup_alpha": 0.8}, 1.0)(batch)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    torch.testing.assert_close(data["inputs"] * std + mean, batch["inputs"].float(), atol=1e-3, rtol=0)
    assert data["labels"].tolist() == [0, 3, 1, 4]


def test_transform_gives_rgb_bytes_of_the_asked_size():
    bgr = np.zeros((60, 80, 3), np.uint8)
    bgr[..., 0] = 200  # blue
    out = TimmTransform(48, is_training=False, crop_pct=48 / 56)({"img": bgr, "gt_label": 2})
    assert out["inputs"].shape == (3, 48, 48)
    assert out["inputs"].dtype == torch.uint8
    assert out["inputs"][:, 0, 0].tolist() == [0, 0, 200]
    assert int(out["gt_label"]) == 2


def test_transform_resizes_before_it_crops():
    image = Image.fromarray(np.arange(112, dtype=np.uint8)[None].repeat(112, 0))
    bgr = np.asarray(image.convert("RGB"))
    out = TimmTransform(48, is_training=False, crop_pct=48 / 56)({"img": bgr, "gt_label": 0})["inputs"]
    assert abs(int(out[0, 24, 0]) - 8) <= 1  # 112 -> 56 pixels, 4 cut at each side: column 8 of the original
