"""Masked convolution of mmcv.ops: an ordinary one at the chosen cells, nothing elsewhere."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import MaskedConv2d, masked_conv2d

from simmim_eval.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore:This overload of addmm is deprecated")  # called by mmcv


@pytest.fixture
def features() -> Tensor:
    """(1, 3, 5, 7) float64."""
    return torch.randn(1, 3, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def mask() -> Tensor:
    """(1, 5, 7); corners, a border cell, an inner one."""
    mask = torch.zeros(1, 5, 7)
    mask[0, [0, 0, 4, 4, 0, 2], [0, 6, 0, 6, 3, 4]] = 1
    return mask


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (3, 5)])
def test_is_a_convolution_at_the_chosen_cells(features: Tensor, mask: Tensor, kernel: tuple[int, int]) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2)
    layer = MaskedConv2d(3, 4, kernel, padding=padding).double()
    expected = functional.conv2d(features, layer.weight, layer.bias, padding=padding)
    torch.testing.assert_close(layer(features, mask), torch.where(mask > 0, expected, 0), rtol=0, atol=1e-12)
    torch.testing.assert_close(layer(features), expected)


def test_each_number_by_hand(features: Tensor, mask: Tensor) -> None:
    layer = MaskedConv2d(3, 2, 3, padding=1).double()
    output = layer(features, mask)
    for _, row, column in mask.nonzero().tolist():
        for out in range(2):
            total = layer.bias[out].item()
            for c in range(3):
                for i in range(3):
                    for j in range(3):
                        y, x = row + i - 1, column + j - 1
                        if 0 <= y < 5 and 0 <= x < 7:
                            total += layer.weight[out, c, i, j].item() * features[0, c, y, x].item()
            assert output[0, out, row, column].item() == pytest.approx(total)
    assert torch.equal(output.abs().sum(dim=1) > 0, mask > 0)


def test_an_output_smaller_than_the_mask(features: Tensor, mask: Tensor) -> None:
    weight, bias = torch.randn(4, 3, 3, 3, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    mask[:, 3:] = mask[:, :, 5:] = 0
    expected = functional.conv2d(features, weight, bias)
    output = masked_conv2d(features, mask, weight, bias)
    torch.testing.assert_close(output, torch.where(mask[:, :3, :5] > 0, expected, 0))
    mask[0, 4, 2] = 1
    with pytest.raises(ConfigError, match=r"reaches row 4 and column 4, the output is 3 x 5\. Give the layer padding"):
        masked_conv2d(features, mask, weight, bias)


def test_empty_mask_and_strided_features(features: Tensor, mask: Tensor) -> None:
    layer = MaskedConv2d(3, 4, 3, padding=1).double()
    assert layer(features, torch.zeros_like(mask)).abs().sum() == 0
    strided = features.to(memory_format=torch.channels_last)
    assert torch.equal(layer(strided, mask), layer(features, mask))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(features: Tensor, mask: Tensor, dtype: torch.dtype) -> None:
    layer = MaskedConv2d(3, 4, 3, padding=1)
    expected = layer(features.float(), mask)
    output = layer.to(dtype)(features.to(dtype), mask)
    assert output.dtype == dtype
    torch.testing.assert_close(output.float(), expected, rtol=0.05, atol=0.05)
