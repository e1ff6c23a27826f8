"""SimMIM over a ResNet, which is masked pixel by pixel: nothing hidden leaks, and it learns."""

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.pretraining import RandomMask, SimMIM
from simmim_eval.registry import MODELS, TRANSFORMS

RESNETS: dict[str, dict[str, Any]] = {
    "nano": dict(arch="nano", out_indices=(2,)),
    "bottleneck": dict(
        arch=dict(layers=(1, 1), block="bottleneck", base_channels=4), deep_stem=True, stem_channels=8, out_indices=(1,)
    ),
    "dilated": dict(
        arch=dict(layers=(1, 1, 1), block="basic", base_channels=8),
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(2,),
    ),
}
SIDE = 32


def build(kind: str, unit: int = 8) -> SimMIM:
    torch.manual_seed(0)
    backbone = dict(type="simmim_eval.ResNet", zero_init_last=False, **RESNETS[kind])
    return MODELS.build(dict(type="simmim_eval.SimMIM", backbone=backbone, mask_patch_size=unit))


def images_and_mask(batch: int = 2, seed: int = 0, unit: int = 8) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    draw = RandomMask(SIDE, mask_patch_size=unit, mask_stride=1)
    images = torch.randn(batch, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return images, torch.from_numpy(np.stack([draw(rng) for _ in range(batch)]))


@pytest.mark.parametrize("kind", RESNETS)
def test_strides_follow_the_backbone(kind: str) -> None:
    model = build(kind)
    assert model.mask_stride == 1
    assert model.encoder_stride == {"nano": 16, "bottleneck": 8, "dilated": 8}[kind]
    images, mask = images_and_mask()
    assert model(images, mask).shape == images.shape


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", RESNETS)
def test_hidden_pixels_never_reach_the_prediction(kind: str, training: bool) -> None:
    """Neither directly nor through batch norms, in training through the statistics of the batch."""
    images, mask = images_and_mask()
    changed = torch.where(mask[:, None], torch.randn_like(images) * 1e3 + 50, images)
    outputs = []
    for x in (images, changed):
        model = build(kind).train(training)
        outputs.append([model(x, mask), *model.buffers()])
    assert all(torch.equal(*both) for both in zip(*outputs, strict=True))


@pytest.mark.parametrize("kind", RESNETS)
def test_the_prediction_has_no_gradient_at_hidden_pixels(kind: str) -> None:
    images, mask = images_and_mask()
    images.requires_grad_()
    build(kind).train()(images, mask).pow(2).sum().backward()
    hidden = mask[:, None].expand_as(images)
    assert not images.grad[hidden].any()
    assert images.grad[~hidden].any()


def test_other_images_of_the_batch_hide_theirs_too() -> None:
    """What one image hides does not reach another's prediction, which sees the same statistics."""
    images, mask = images_and_mask()
    changed = images.clone()
    changed[1] = torch.where(mask[1], changed[1] + 100, changed[1])
    assert torch.equal(build("nano").train()(images, mask)[0], build("nano").train()(changed, mask)[0])


def test_the_loss_by_a_loop() -> None:
    model = build("nano").eval()
    images, mask = images_and_mask()
    with torch.no_grad():
        prediction = model(images, mask)
        loss = model(images, mask, mode="loss")["loss"].item()
    total, count = 0.0, 0
    for b, row, column in mask.nonzero().tolist():
        total += (prediction[b, :, row, column] - images[b, :, row, column]).abs().sum().item()
        count += 1
    assert count == 2 * 10 * 8 * 8  # 10 of 16 units
    assert loss == pytest.approx(total / count / 3, rel=1e-5)


def test_every_parameter_is_trained() -> None:
    model = build("nano").train()
    images, mask = images_and_mask()
    model(images, mask, mode="loss")["loss"].backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_it_learns() -> None:
    model = build("bottleneck").train()
    images, mask = images_and_mask(batch=4)
    images = images.mean(1, keepdim=True).expand(-1, 3, -1, -1) * 0.1 + torch.linspace(-1, 1, SIDE)
    wrapper = OptimWrapper(torch.optim.AdamW(model.parameters(), 1e-2))
    data = dict(inputs=images * torch.tensor([[58.395], [57.12], [57.375]])[..., None] + 120, mask=mask)
    losses = [model.train_step(data, wrapper)["loss"].item() for _ in range(30)]
    assert losses[-1] < losses[0] / 2


def test_units_may_be_smaller_than_a_stride_but_the_image_must_fit() -> None:
    model = build("nano", unit=2)
    images, mask = images_and_mask(unit=2)
    assert model(images, mask).shape == images.shape
    with pytest.raises(MaskError, match="encoder stride 16 does not divide"):
        build("nano")(images[..., :24], mask[..., :24])
    with pytest.raises(MaskError, match=r"mask_stride 1 need torch\.bool of shape \(2, 32, 32\)"):
        model(images, mask[:, ::4, ::4])


def test_the_pipeline_makes_masks_of_pixels() -> None:
    config = dict(type="simmim_eval.PretrainTransform", img_size=SIDE, mask_patch_size=8, mask_stride=1)
    torch.manual_seed(0)
    sample = TRANSFORMS.build(config)(dict(img=np.zeros((40, 50, 3), np.uint8)))
    assert sample["mask"].shape == sample["inputs"].shape[1:] == (SIDE, SIDE)
    units = sample["mask"].unfold(0, 8, 8).unfold(1, 8, 8).float().mean((2, 3))
    assert sorted(units.unique().tolist()) == [0.0, 1.0]


def test_several_maps_are_refused() -> None:
    config = dict(type="simmim_eval.SimMIM", backbone=dict(type="simmim_eval.ResNet", arch="nano"))
    with pytest.raises(ConfigError, match=r"ResNet returns 3 maps.*out_indices=\(2,\)"):
        MODELS.build(config)


def test_a_resnet_without_a_token_is_refused() -> None:
    backbone = dict(type="simmim_eval.ResNet", arch="nano", out_indices=(2,), use_mask_token=False)
    with pytest.raises(ConfigError, match="ResNet has no mask token"):
        MODELS.build(dict(type="simmim_eval.SimMIM", backbone=backbone))
