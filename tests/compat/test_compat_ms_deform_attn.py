"""Multi-scale deformable attention: mmcv's path for GPUs, run here, against its path for the CPU and a loop."""

import math

import pytest
import torch
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction, multi_scale_deformable_attn_pytorch

SHAPES = [(4, 5), (3, 2), (1, 1)]
STARTS = [0, 20, 26]


def operands() -> tuple[Tensor, Tensor, Tensor]:
    """Values (2, 27, 2, 3), locations (2, 4, 2, 3, 2, 2) from beyond the map to beyond it, weights; float64."""
    generator = torch.Generator().manual_seed(1)
    value = torch.randn(2, 27, 2, 3, generator=generator, dtype=torch.float64)
    locations = 1.6 * torch.rand(2, 4, 2, 3, 2, 2, generator=generator, dtype=torch.float64) - 0.3
    weights = torch.randn(2, 4, 2, 3, 2, generator=generator, dtype=torch.float64).flatten(3).softmax(3)
    return value, locations, weights.unflatten(3, (3, 2))


def attend(value: Tensor, locations: Tensor, weights: Tensor, step: int = 64) -> Tensor:
    shapes, starts = torch.tensor(SHAPES), torch.tensor(STARTS)
    return MultiScaleDeformableAttnFunction.apply(value, shapes, starts, locations, weights, step)


def naive(value: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
    """Equation 3 of the paper, one sample at a time."""
    batch, queries, heads = weights.shape[:3]
    output = value.new_zeros(batch, queries, heads, value.shape[3])
    for b, q, h, level, p in torch.cartesian_prod(*map(torch.arange, weights.shape)).tolist():
        height, width = SHAPES[level]
        x, y = (locations[b, q, h, level, p] * torch.tensor([width, height]) - 0.5).tolist()
        top, left = math.floor(y), math.floor(x)
        for row, row_weight in ((top, top + 1 - y), (top + 1, y - top)):
            for column, column_weight in ((left, left + 1 - x), (left + 1, x - left)):
                if 0 <= row < height and 0 <= column < width:
                    cell = value[b, STARTS[level] + row * width + column, h]
                    output[b, q, h] += weights[b, q, h, level, p] * row_weight * column_weight * cell
    return output.flatten(2)


def test_is_the_definition_and_mmcvs_own_path() -> None:
    tensors = operands()
    output = attend(*tensors)
    torch.testing.assert_close(output, naive(*tensors), rtol=0, atol=1e-12)
    value, locations, weights = tensors
    shapes = torch.tensor(SHAPES)
    torch.testing.assert_close(output, multi_scale_deformable_attn_pytorch(value, shapes, locations, weights))
    assert torch.equal(attend(*tensors, 1), output)


def test_gradients() -> None:
    leaves = [tensor.requires_grad_() for tensor in operands()]
    assert torch.autograd.gradcheck(attend, leaves)


def test_strided_tensors_and_gradients() -> None:
    plain = [tensor.clone().requires_grad_() for tensor in operands()]
    strided = [tensor.transpose(0, 2).contiguous().transpose(0, 2).requires_grad_() for tensor in operands()]
    grad = torch.randn(6, 4, 2, dtype=torch.float64).permute(2, 1, 0)
    first = torch.autograd.grad(attend(*plain), plain, grad.contiguous())
    second = torch.autograd.grad(attend(*strided), strided, grad)
    torch.testing.assert_close(second, first, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_values_with_float_locations(dtype: torch.dtype) -> None:
    value, locations, weights = operands()
    half = value.to(dtype).requires_grad_()
    output = attend(half, locations.float(), weights.float())
    wide = half.detach().float().requires_grad_()
    expected = attend(wide, locations.to(dtype).float(), weights.to(dtype).float())  # mmcv rounds them to the values'
    assert torch.equal(output, expected.to(dtype))
    output.backward(torch.ones_like(output))
    expected.backward(torch.ones_like(expected))
    assert half.grad.dtype == dtype and torch.equal(half.grad, wide.grad.to(dtype))
