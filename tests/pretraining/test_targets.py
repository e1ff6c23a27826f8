"""The loss against an obvious loop."""

import itertools

import pytest
import torch
from torch import Tensor

from simmim_eval.pretraining.targets import expand_mask, hidden_pixel_l1, hidden_pixel_l1_per_image

SHAPES = [(1, 1, 1, 1), (1, 2, 3, 4), (3, 2, 2, 4), (2, 3, 2, 1)]  # batch, cells down, cells across, pixels a cell


def naive_loss(prediction: Tensor, target: Tensor, mask: Tensor, stride: int) -> float:
    batch, channels, height, width = target.shape
    total, hidden = 0.0, 0
    for b, y, x in itertools.product(range(batch), range(height), range(width)):
        if mask[b, y // stride, x // stride]:
            hidden += 1
            for c in range(channels):
                total += abs(target[b, c, y, x].item() - prediction[b, c, y, x].item())
    return total / (hidden + 1e-5) / channels


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_loss_equals_an_obvious_loop(shape: tuple[int, int, int, int], share: float) -> None:
    batch, down, across, stride = shape
    generator = torch.Generator().manual_seed(sum(shape))
    pixels = (batch, 3, down * stride, across * stride)
    prediction, target = torch.randn(pixels, generator=generator), torch.randn(pixels, generator=generator)
    mask = torch.rand(batch, down, across, generator=generator) < share
    loss = hidden_pixel_l1(prediction, target, expand_mask(mask, stride)).item()
    assert loss == pytest.approx(naive_loss(prediction, target, mask, stride), rel=1e-5, abs=1e-9)

    each = hidden_pixel_l1_per_image(prediction, target, expand_mask(mask, stride))
    for b in range(batch):
        alone = slice(b, b + 1)
        expected = naive_loss(prediction[alone], target[alone], mask[alone], stride)
        assert each[b].item() == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_hidden_pixels_weigh_the_same_in_every_image() -> None:
    """The sums run over the batch: an image with more hidden pixels counts for more."""
    prediction = torch.zeros(2, 3, 4, 4)
    target = torch.stack([torch.full((3, 4, 4), 1.0), torch.full((3, 4, 4), 5.0)])
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, :3] = True  # 12 pixels of error 1
    mask[1, 0] = True  # 4 pixels of error 5
    assert hidden_pixel_l1(prediction, target, expand_mask(mask, 1)).item() == pytest.approx(2.0, rel=1e-5)
