"""The loss and the statistics of windows against obvious loops."""

import itertools

import pytest
import torch
from torch import Tensor

from simmim_eval.pretraining.targets import (
    expand_mask,
    hidden_pixel_l1,
    hidden_pixel_l1_per_image,
    window_statistics,
)

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


def naive_target(images: Tensor, window_size: int) -> Tensor:
    """Each pixel over the mean and the unbiased variance of what the image has of the window around it."""
    target = torch.empty_like(images)
    for b, c, y, x in itertools.product(*map(range, images.shape)):
        top, left = max(y - window_size // 2, 0), max(x - window_size // 2, 0)
        window = images[b, c, top : y + window_size // 2 + 1, left : x + window_size // 2 + 1]
        target[b, c, y, x] = (images[b, c, y, x] - window.mean()) / (window.var(unbiased=True) + 1e-6).sqrt()
    return target


@pytest.mark.parametrize(
    ("shape", "window_size"),
    [((2, 3, 8, 12), 3), ((1, 3, 12, 8), 5), ((1, 1, 60, 52), 47), ((1, 2, 16, 16), 47), ((1, 1, 1, 2), 3)],
)
def test_normalised_target_equals_an_obvious_loop(shape: tuple[int, int, int, int], window_size: int) -> None:
    images = torch.randn(shape, generator=torch.Generator().manual_seed(window_size)) * 2 + 1
    mean, deviation = window_statistics(images, window_size)
    assert mean.dtype == deviation.dtype == torch.float32
    expected = naive_target(images.double(), window_size).float()
    torch.testing.assert_close((images - mean) / deviation, expected, rtol=0, atol=1e-4)


def test_a_flat_window_gives_no_signal() -> None:
    mean, deviation = window_statistics(torch.full((1, 3, 9, 9), 2.5), 3)
    torch.testing.assert_close(mean, torch.full((1, 3, 9, 9), 2.5), rtol=0, atol=1e-6)
    assert deviation.isfinite().all() and (deviation >= 1e-3 * (1 - 1e-6)).all()


def test_statistics_are_of_single_precision() -> None:
    """Squares of half precision would lose what the variance is."""
    images = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).half() + 30
    for ours, exact in zip(window_statistics(images, 5), window_statistics(images.float(), 5), strict=True):
        assert torch.equal(ours, exact)
