"""SimMIM over models of timm, masked in pixel space."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.pretraining import RandomMask, SimMIM
from simmim_eval.registry import MODELS


def model_of(model_name: str, out_index: int, **words: Any) -> SimMIM:
    torch.manual_seed(0)
    backbone = dict(type="simmim_eval.TimmBackbone", model_name=model_name, out_indices=(out_index,), **words)
    return MODELS.build(dict(type="simmim_eval.SimMIM", backbone=backbone, mask_patch_size=16))


def images_and_mask(batch: int = 2) -> tuple[Tensor, Tensor]:
    draw, rng = RandomMask(64, mask_patch_size=16, mask_stride=1), np.random.default_rng(0)
    images = torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    return images, torch.from_numpy(np.stack([draw(rng) for _ in range(batch)]))


@pytest.mark.parametrize(("model_name", "out_index"), [("test_resnet", 4), ("test_convnext", 3), ("test_vit", 5)])
def test_hidden_pixels_reach_neither_prediction_nor_gradients_nor_statistics(model_name: str, out_index: int) -> None:
    images, mask = images_and_mask()
    results = []
    for noise in (0.0, 1e4):
        model = model_of(model_name, out_index).train()
        seen = torch.where(mask[:, None], images + noise, images).requires_grad_()
        prediction = model(seen, mask)
        prediction.square().mean().backward()
        assert not seen.grad[mask[:, None].expand_as(seen)].any()
        assert seen.grad[~mask[:, None].expand_as(seen)].any()
        results.append([prediction, *(parameter.grad for parameter in model.parameters()), *model.buffers()])
    assert all(torch.equal(*both) for both in zip(*results, strict=True))


def test_training_lowers_the_loss_and_moves_every_parameter() -> None:
    images, mask = images_and_mask(batch=4)
    model = model_of("test_resnet", 4).train()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        optimiser.zero_grad()
        loss = model(images, mask, mode="loss")["loss"]
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])] == []


def test_what_the_last_map_does_not_need_is_left_out() -> None:
    """Distributed training stops at a parameter without a gradient."""
    images, mask = images_and_mask()
    model = model_of("test_efficientnet", 2).train()
    model(images, mask, mode="loss")["loss"].backward()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None for parameter in trained)
    assert len(trained) < len(list(model.parameters()))


def test_the_mask_counts_pixels() -> None:
    images, mask = images_and_mask()
    with pytest.raises(MaskError, match=r"mask_stride 1 need torch\.bool of shape \(2, 64, 64\)"):
        model_of("test_resnet", 4)(images, mask[:, ::4, ::4])
    with pytest.raises(ConfigError, match=r"TimmBackbone returns 5 maps"):
        MODELS.build(
            dict(type="simmim_eval.SimMIM", backbone=dict(type="simmim_eval.TimmBackbone", model_name="test_resnet"))
        )
