"""The learned colour over hidden pixels, by a loop and where it may fail."""

from typing import Any

import pytest
import torch
from backbone_contract import images
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from simmim_eval.backbones.pixel_mask import PixelMaskedBackbone
from simmim_eval.errors import MaskError


class Colours(PixelMaskedBackbone):
    """Shows what it was given to see."""

    channels = (3,)
    feature_strides = (1,)
    num_layers = 2
    num_stages = 0

    def __init__(self, in_chans: int = 3, use_mask_token: bool = True, **plug: Any) -> None:
        super().__init__(in_chans, use_mask_token, **plug)
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        return (self.hide(x, mask),)

    def reset_parameters(self) -> None:
        self.reset_mask_token()

    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        return []

    def _layer_of(self, name: str) -> int:
        return 0


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**16))
def test_hidden_pixels_are_the_token_and_others_stay(
    batch: int, channels: int, height: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, channels, height, width, generator=generator)
    mask = torch.rand(batch, height, width, generator=generator) < 0.5
    backbone = Colours(channels)
    (seen,) = backbone(x, mask)
    token = backbone.mask_token.flatten()
    for b in range(batch):
        for row in range(height):
            for column in range(width):
                expected = token if mask[b, row, column] else x[b, :, row, column]
                assert torch.equal(seen[b, :, row, column], expected)


def test_the_token_learns_from_hidden_pixels_alone() -> None:
    backbone = Colours()
    x = images(5, 4).requires_grad_()
    mask = torch.zeros(2, 5, 4, dtype=torch.bool)
    mask[0, :2], mask[1, 1, 3] = True, True
    backbone(x, mask)[0].sum().backward()
    assert backbone.mask_token.grad.flatten().tolist() == [9.0, 9.0, 9.0]
    assert torch.equal(x.grad, (~mask)[:, None].expand_as(x).float())


def test_nothing_hidden_is_touched_by_what_cannot_be_counted_with() -> None:
    """Pixels of NaN, as a broken file may give: a product with 0 would keep them."""
    x = images(5, 4)
    mask = torch.zeros(2, 5, 4, dtype=torch.bool)
    mask[:, 1] = True
    (seen,) = Colours()(torch.where(mask[:, None], torch.nan, x), mask)
    assert seen.isfinite().all()


def test_the_token_follows_the_precision_of_the_images() -> None:
    mask = torch.ones(2, 5, 4, dtype=torch.bool)
    assert Colours()(images(5, 4).bfloat16(), mask)[0].dtype == torch.bfloat16


def test_the_token_starts_near_the_mean_colour() -> None:
    torch.manual_seed(0)
    tokens = torch.stack([Colours(64).mask_token.flatten() for _ in range(50)])
    assert tokens.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(tokens.mean().item()) < 1e-3


def test_without_a_token_nothing_is_hidden() -> None:
    plain = Colours(use_mask_token=False)
    assert list(plain.parameters()) == []
    assert plain.no_weight_decay() == set()
    assert torch.equal(plain(images(5, 4))[0], images(5, 4))
    with pytest.raises(MaskError, match="use_mask_token=True"):
        plain(images(5, 4), torch.ones(2, 5, 4, dtype=torch.bool))


@pytest.mark.parametrize("mask", [torch.ones(2, 4, 5).bool(), torch.ones(2, 1, 5, 4).bool(), torch.ones(2, 5, 4)])
def test_a_mask_that_does_not_fit_is_refused(mask: Tensor) -> None:
    with pytest.raises(MaskError, match=r"at mask_stride 1 need torch\.bool of shape \(2, 5, 4\)"):
        Colours()(images(5, 4), mask)
