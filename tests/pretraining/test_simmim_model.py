"""What SimMIM promises beyond the official numbers."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.functional import normalize

from simmim_eval.backbones import Swin
from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.pretraining import RandomMask, SimMIM
from simmim_eval.pretraining.targets import expand_mask, hidden_pixel_l1
from simmim_eval.registry import MODELS

SWIN: dict[str, Any] = dict(
    arch=dict(embed_dim=8, depths=(1, 1), num_heads=(1, 2)), img_size=32, window_size=4, out_indices=(1,)
)


@pytest.fixture
def model() -> SimMIM:
    torch.manual_seed(0)
    return MODELS.build(
        dict(type="simmim_eval.SimMIM", backbone=dict(type="simmim_eval.Swin", **SWIN), mask_patch_size=8)
    )


def images_and_mask(batch: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    draw = RandomMask(32, mask_patch_size=8)
    images = torch.randint(0, 256, (batch, 3, 32, 32), generator=torch.Generator().manual_seed(seed))
    return images.byte(), torch.from_numpy(np.stack([draw(rng) for _ in range(batch)]))


def test_every_parameter_is_trained(model: SimMIM) -> None:
    images, mask = images_and_mask()
    data = model.data_preprocessor(dict(inputs=images, mask=mask))
    model(**data, mode="loss")["loss"].backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_hidden_pixels_never_reach_the_prediction(model: SimMIM) -> None:
    images, mask = images_and_mask()
    hidden = mask.repeat_interleave(4, 1).repeat_interleave(4, 2)[:, None]
    images = images.float()
    changed = torch.where(hidden, torch.randn_like(images) * 1e3, images)
    with torch.no_grad():
        torch.testing.assert_close(model(images, mask), model(changed, mask), rtol=0, atol=0)


def test_visible_pixels_never_reach_the_loss_but_through_the_prediction(model: SimMIM) -> None:
    images, mask = images_and_mask()
    target = images.float().requires_grad_()
    prediction = model(target.detach(), mask).detach()
    hidden_pixel_l1(prediction, target, expand_mask(mask, 4)).backward()
    visible = ~expand_mask(mask, 4).expand_as(images)
    assert target.grad is not None
    assert not target.grad[visible].any()
    assert target.grad[~visible].all()


def test_predict_and_loss_agree(model: SimMIM) -> None:
    images, mask = images_and_mask(batch=3)
    data = model.data_preprocessor(dict(inputs=images, mask=mask))
    with torch.no_grad():
        loss = model(**data, mode="loss")["loss"].item()
        predictions = model(**data, mode="predict")
    assert np.mean([prediction["hidden_l1"] for prediction in predictions]) == pytest.approx(loss, rel=1e-5)
    assert predictions[0]["reconstruction"].shape == (3, 32, 32)
    torch.testing.assert_close(predictions[2]["mask"], mask[2])


def test_the_two_ways_to_collate_agree(model: SimMIM) -> None:
    images, mask = images_and_mask()
    stacked = model.data_preprocessor(dict(inputs=images, mask=mask))
    listed = model.data_preprocessor(dict(inputs=list(images), mask=list(mask)))
    with torch.no_grad():
        torch.testing.assert_close(model(**stacked), model(**listed), rtol=0, atol=0)


def test_default_normalisation_is_torchvisions(model: SimMIM) -> None:
    images, mask = images_and_mask()
    ours = model.data_preprocessor(dict(inputs=images, mask=mask))["inputs"]
    theirs = normalize(images / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_pixel_order_of_the_head(model: SimMIM) -> None:
    """Output channel = colour * s^2 + row * s + column."""
    stride = model.encoder_stride
    for colour, row, column in ((0, 0, 0), (1, 2, 5), (2, 7, 1)):
        bias = torch.zeros(3 * stride**2)
        bias[colour * stride**2 + row * stride + column] = 1
        with torch.no_grad():
            model.head.proj.weight.zero_()
            model.head.proj.bias.copy_(bias)
            prediction = model(torch.zeros(1, 3, 32, 32), torch.zeros(1, 8, 8, dtype=torch.bool))
        assert prediction[0, colour, row::stride, column::stride].eq(1).all()
        assert prediction.sum() == (32 // stride) ** 2


@pytest.mark.parametrize("size", [(36, 36), (32, 36)])
def test_input_that_the_unit_does_not_divide_is_refused(model: SimMIM, size: tuple[int, int]) -> None:
    mask = torch.zeros(1, size[0] // 4, size[1] // 4, dtype=torch.bool)
    with pytest.raises(MaskError, match=r"mask_patch_size 8 does not divide"):
        model(torch.zeros(1, 3, *size), mask)


def test_input_that_the_head_cannot_give_is_refused() -> None:
    model = SimMIM(Swin(use_mask_token=True, **SWIN), mask_patch_size=4)
    with pytest.raises(MaskError, match="encoder stride 8 does not divide"):
        model(torch.zeros(1, 3, 36, 36), torch.zeros(1, 9, 9, dtype=torch.bool))


@pytest.mark.parametrize("size", [6, 2, 0, -4])
def test_unit_that_is_no_multiple_of_a_patch_is_refused(size: int) -> None:
    with pytest.raises(MaskError, match=f"mask_patch_size is {size}; Swin hides cells of 4"):
        SimMIM(dict(type="simmim_eval.Swin", **SWIN), mask_patch_size=size)


def test_mask_of_another_stride_is_refused(model: SimMIM) -> None:
    with pytest.raises(MaskError, match="mask_stride"):
        model(torch.zeros(1, 3, 32, 32), torch.zeros(1, 4, 4, dtype=torch.bool))


def test_backbones_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="no mask token"):
        SimMIM(Swin(**SWIN))
    with pytest.raises(ConfigError, match="no mask token"):
        SimMIM(dict(type="simmim_eval.Swin", use_mask_token=False, **SWIN))
    with pytest.raises(ConfigError, match=r"returns 2 maps.*out_indices=\(1,\)"):
        SimMIM(dict(type="simmim_eval.Swin", **{**SWIN, "out_indices": (0, 1)}))
