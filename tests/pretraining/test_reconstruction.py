"""The picture and the metric."""

from pathlib import Path

import numpy as np
import pytest
import scipy
import torch
from mmengine.evaluator import Evaluator
from PIL import Image
from torch import Tensor

from simmim_eval.backbones import Swin
from simmim_eval.pretraining import HiddenPixelL1, SimMIM
from simmim_eval.pretraining.reconstruction import save_reconstructions


def model_that_predicts(colour: tuple[int, int, int]) -> SimMIM:
    """Its head ignores the features and gives one colour, 0 to 255."""
    arch = dict(embed_dim=8, depths=(1,), num_heads=(1,))
    model = SimMIM(Swin(arch=arch, img_size=48, window_size=4, use_mask_token=True), mask_patch_size=8)
    with torch.no_grad():
        model.head.proj.weight.zero_()
        normalised = (torch.tensor(colour).view(3, 1, 1) - model.data_preprocessor.mean) / model.data_preprocessor.std
        model.head.proj.bias.copy_(normalised.flatten().repeat_interleave(model.encoder_stride**2))
    return model


def samples(count: int) -> list[dict[str, Tensor]]:
    mask = torch.zeros(12, 12, dtype=torch.bool)
    mask[:, :6] = True  # the left half is hidden
    return [{"inputs": torch.full((3, 48, 48), 40 * (i + 1), dtype=torch.uint8), "mask": mask} for i in range(count)]


def test_picture_shows_image_masked_prediction_and_both(tmp_path: Path) -> None:
    model = model_that_predicts((200, 30, 90)).train()
    save_reconstructions(model, samples(2), tmp_path / "new" / "rec.png")
    assert model.training
    sheet = np.asarray(Image.open(tmp_path / "new" / "rec.png"))
    assert sheet.shape == (16 + 2 * 100, 4 + 4 * 100, 3)
    for row in range(2):
        y, grey = 16 + row * 100 + 48, [40 * (row + 1)] * 3
        left_and_right = [(sheet[y, 4 + 100 * i + 20].tolist(), sheet[y, 4 + 100 * i + 70].tolist()) for i in range(4)]
        hole, colour = [128] * 3, [200, 30, 90]
        assert left_and_right == [(grey, grey), (hole, grey), (colour, colour), (colour, grey)]


def test_metric_is_the_mean_over_images() -> None:
    metric = HiddenPixelL1()
    evaluator = Evaluator(metric)
    evaluator.process(data_samples=[{"hidden_l1": 0.5}, {"hidden_l1": 1.5}])
    evaluator.process(data_samples=[{"hidden_l1": 4.0}])
    result = evaluator.evaluate(3)
    assert result["hidden_l1"] == pytest.approx(2.0)
    assert result["num_samples"] == 3
    assert result["hidden_l1_std_error"] == pytest.approx(scipy.stats.sem([0.5, 1.5, 4.0]))
