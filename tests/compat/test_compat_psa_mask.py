"""psa_mask of mmcv.ops against its definition written out, and its gradient by finite differences."""

import pytest
import torch
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import PSAMask

CASES = [((3, 4), (3, 5)), ((4, 3), (7, 5)), ((3, 3), (5, 5)), ((5, 2), (1, 3)), ((2, 4), (9, 1))]  # map, window


def naive_psa_mask(windows: Tensor, psa_type: str, window: tuple[int, int]) -> Tensor:
    """(B, H * W, H, W), one weight at a time."""
    batch, _, height, width = windows.shape
    output = windows.new_zeros(batch, height * width, height, width)
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                for tap in range(window[0] * window[1]):
                    i, j = divmod(tap, window[1])
                    row, column = y + i - window[0] // 2, x + j - window[1] // 2
                    if 0 <= row < height and 0 <= column < width:
                        if psa_type == "collect":
                            output[b, row * width + column, y, x] = windows[b, tap, y, x]
                        else:
                            output[b, y * width + x, row, column] = windows[b, tap, y, x]
    return output


def windows_of(size: tuple[int, int], window: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, window[0] * window[1], *size, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("size", "window"), CASES)
@pytest.mark.parametrize("psa_type", ["collect", "distribute"])
def test_is_the_definition_with_its_gradient(psa_type: str, size: tuple[int, int], window: tuple[int, int]) -> None:
    windows, layer = windows_of(size, window).requires_grad_(), PSAMask(psa_type, window)
    assert torch.equal(layer(windows), naive_psa_mask(windows, psa_type, window))
    assert torch.autograd.gradcheck(layer, windows, fast_mode=True)


@pytest.mark.parametrize("psa_type", ["collect", "distribute"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_and_strided(psa_type: str, dtype: torch.dtype) -> None:
    windows = windows_of((3, 4), (3, 5)).to(dtype).to(memory_format=torch.channels_last).requires_grad_()
    output = PSAMask(psa_type, (3, 5))(windows)
    assert torch.equal(output, naive_psa_mask(windows, psa_type, (3, 5)))
    grad = torch.randn(4, 3, 12, 2).to(dtype).permute(3, 2, 1, 0)
    (gradient,) = torch.autograd.grad(output, windows, grad)
    leaf = windows.detach().clone().requires_grad_()
    assert torch.equal(gradient, torch.autograd.grad(naive_psa_mask(leaf, psa_type, (3, 5)), leaf, grad)[0])
