"""Deformable convolutions of mmcv.ops against their papers' sums written out, with gradients by finite differences."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import (
    DeformConv2d,
    DeformConv2dPack,
    ModulatedDeformConv2dPack,
    deform_conv2d,
    modulated_deform_conv2d,
)

from simmim_eval.errors import ConfigError

# kernel, stride, padding, dilation, groups, deform_groups
CASES = [
    ((3, 3), (1, 1), (1, 1), (1, 1), 1, 1),
    ((3, 2), (2, 1), (0, 2), (1, 2), 2, 1),
    ((1, 3), (1, 2), (1, 1), (2, 1), 1, 2),
    ((2, 2), (3, 2), (2, 1), (2, 3), 2, 4),
]
SIZE = (5, 7)


def bilinear(plane: Tensor, y: float, x: float) -> float:
    """The value between the cells of an (H, W) plane that is zero beyond its border."""
    top, left = math.floor(y), math.floor(x)
    total = 0.0
    for row, row_weight in ((top, top + 1 - y), (top + 1, y - top)):
        for column, column_weight in ((left, left + 1 - x), (left + 1, x - left)):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total += row_weight * column_weight * plane[row, column].item()
    return total


def naive_convolution(inputs, kernel, stride, padding, dilation, groups, deform_groups) -> Tensor:
    """Equation 1 of the second paper; a mask of ones gives the first."""
    features, offset, mask, weight = inputs
    batch, channels = features.shape[:2]
    output = features.new_zeros(batch, len(weight), *offset.shape[2:])
    for b in range(batch):
        for o in range(len(weight)):
            group = o * groups // len(weight)
            for y in range(output.shape[2]):
                for x in range(output.shape[3]):
                    total = 0.0
                    for c in range(channels // groups):
                        channel = group * channels // groups + c
                        deform = channel * deform_groups // channels
                        for tap in range(kernel[0] * kernel[1]):
                            i, j = divmod(tap, kernel[1])
                            place = deform * kernel[0] * kernel[1] + tap
                            row = y * stride[0] - padding[0] + i * dilation[0] + offset[b, 2 * place, y, x].item()
                            column = (
                                x * stride[1] - padding[1] + j * dilation[1] + offset[b, 2 * place + 1, y, x].item()
                            )
                            value = bilinear(features[b, channel], row, column) * mask[b, place, y, x].item()
                            total += value * weight[o, c, i, j].item()
                    output[b, o, y, x] = total
    return output


def operands(kernel, stride, padding, dilation, groups, deform_groups) -> list[Tensor]:
    """Features (2, 4, 5, 7), offsets, mask and weight (4, ...), float64; offsets reach beyond the map."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    size = [
        (SIZE[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1
        for axis in (0, 1)
    ]
    taps = deform_groups * kernel[0] * kernel[1]
    return [
        normal(2, 4, *SIZE),
        2 * normal(2, 2 * taps, *size),
        normal(2, taps, *size),
        normal(4, 4 // groups, *kernel),
    ]


@pytest.mark.parametrize("case", CASES)
def test_both_versions_are_the_definition(case) -> None:
    features, offset, mask, weight = operands(*case)
    expected = naive_convolution((features, offset, torch.ones_like(mask), weight), *case)
    torch.testing.assert_close(deform_conv2d(features, offset, weight, *case[1:]), expected, rtol=0, atol=1e-11)
    expected = naive_convolution((features, offset, mask, weight), *case)
    bias = torch.arange(4.0, dtype=torch.float64)
    plain = modulated_deform_conv2d(features, offset, mask, weight, None, *case[1:])
    torch.testing.assert_close(plain, expected, rtol=0, atol=1e-11)
    output = modulated_deform_conv2d(features, offset, mask, weight, bias, *case[1:])
    torch.testing.assert_close(output, expected + bias[:, None, None], rtol=0, atol=1e-11)


@pytest.mark.parametrize("case", CASES)
def test_gradients(case) -> None:
    leaves = [tensor.requires_grad_() for tensor in operands(*case)]
    features, offset, _, weight = leaves
    bias = torch.zeros(4, dtype=torch.float64, requires_grad=True)

    def first(features: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
        return deform_conv2d(features, offset, weight, *case[1:])

    def second(features: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return modulated_deform_conv2d(features, offset, mask, weight, bias, *case[1:])

    assert torch.autograd.gradcheck(first, (features, offset, weight), fast_mode=True)
    assert torch.autograd.gradcheck(second, (*leaves, bias), fast_mode=True)


def test_every_derivative_alone() -> None:
    case = ((2, 2), (2, 2), (1, 1), (1, 1), 1, 1)
    tensors = [tensor[:1] for tensor in operands(*case)[:3]] + operands(*case)[3:]
    features, offset, _, weight = tensors
    for number in range(3):
        leaves = [tensor.clone().requires_grad_(i == number) for i, tensor in enumerate((features, offset, weight))]
        assert torch.autograd.gradcheck(lambda *args: deform_conv2d(*args, *case[1:]), leaves)
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(lambda *args: modulated_deform_conv2d(*args, None, *case[1:]), leaves)


@pytest.mark.parametrize("case", CASES)
def test_no_offset_is_an_ordinary_convolution(case) -> None:
    features, offset, mask, weight = operands(*case)
    _, stride, padding, dilation, groups, _ = case
    outputs, gradients = [], []
    for apply in (
        lambda x, w: functional.conv2d(x, w, None, stride, padding, dilation, groups),
        lambda x, w: deform_conv2d(x, torch.zeros_like(offset), w, *case[1:]),
        lambda x, w: modulated_deform_conv2d(x, torch.zeros_like(offset), torch.ones_like(mask), w, None, *case[1:]),
    ):
        leaves = features.clone().requires_grad_(), weight.clone().requires_grad_()
        outputs.append(apply(*leaves))
        gradients.append(torch.autograd.grad(outputs[-1].square().sum(), leaves))
    for i in (1, 2):
        torch.testing.assert_close(outputs[i], outputs[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(gradients[i], gradients[0], rtol=0, atol=1e-11)


def test_layers_begin_as_ordinary_convolutions_and_learn_offsets() -> None:
    features = torch.randn(2, 4, 6, 5)
    first = DeformConv2dPack(4, 4, 3, padding=1, groups=2)
    second = ModulatedDeformConv2dPack(4, 4, 3, padding=1, deform_groups=2)
    torch.testing.assert_close(first(features), functional.conv2d(features, first.weight, None, 1, 1, 1, 2))
    expected = functional.conv2d(features, second.weight, None, 1, 1) / 2  # its masks begin at sigmoid(0)
    torch.testing.assert_close(second(features), expected)
    for layer in (first, second):
        layer(features).square().sum().backward()
        assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_map_smaller_than_the_kernel() -> None:
    layer = DeformConv2d(4, 4, 3, padding=1).double()
    features = torch.randn(1, 4, 2, 2, dtype=torch.float64)
    output = layer(features, torch.zeros(1, 18, 2, 2, dtype=torch.float64))
    torch.testing.assert_close(output, functional.conv2d(features, layer.weight, padding=1))


def test_strided_tensors_and_gradients() -> None:
    case = CASES[1]
    tensors = operands(*case)
    plain = [tensor.clone().requires_grad_() for tensor in tensors]
    strided = [tensor.to(memory_format=torch.channels_last).requires_grad_() for tensor in tensors]
    outputs = [modulated_deform_conv2d(*leaves, None, *case[1:]) for leaves in (plain, strided)]
    grad = torch.randn_like(outputs[0]).permute(1, 0, 3, 2).contiguous().permute(1, 0, 3, 2)
    first = torch.autograd.grad(outputs[0], plain, grad.contiguous())
    second = torch.autograd.grad(outputs[1], strided, grad)
    torch.testing.assert_close(second, first, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("version", [1, 2])
def test_half_offsets_make_half_results_computed_in_float32(dtype: torch.dtype, version: int) -> None:
    case = CASES[0]
    halves = [tensor.to(dtype).requires_grad_() for tensor in operands(*case)]
    wides = [tensor.detach().float().requires_grad_() for tensor in halves]
    results = []
    for leaves in (halves, wides):
        features, offset, mask, weight = leaves
        if version == 1:
            output = deform_conv2d(features, offset, weight, *case[1:])
        else:
            output = modulated_deform_conv2d(features, offset, mask, weight, None, *case[1:])
        output.backward(torch.ones_like(output))
        results.append((output, features.grad, offset.grad, weight.grad))
    assert all(torch.equal(half, wide.to(dtype)) for half, wide in zip(*results, strict=True))


def test_an_offset_that_is_not_a_number_reads_zero() -> None:
    case = CASES[0]
    features, offset, _, weight = operands(*case)
    far = offset.clone()
    for value in (math.nan, math.inf, -math.inf, 1e30):
        offset[:, ::3], far[:, ::3] = value, 1000.0
        leaves = features.clone().requires_grad_(), offset.clone().requires_grad_(), weight.clone().requires_grad_()
        output = deform_conv2d(*leaves, *case[1:])
        assert torch.equal(output, deform_conv2d(features, far, weight, *case[1:]))
        output.sum().backward()
        assert all(leaf.grad.isfinite().all() for leaf in leaves)


def test_offsets_for_other_groups_are_refused() -> None:
    features, offset, mask, weight = operands(*CASES[0])
    with pytest.raises(ConfigError, match="'offset' has 18 channels; 2 deform_groups need 2 x 18 = 36"):
        deform_conv2d(features, offset, weight, 1, 1, 1, 1, 2)
    with pytest.raises(ConfigError, match="'mask' has 8 channels"):
        modulated_deform_conv2d(features, offset, mask[:, :8], weight, None, 1, 1)


def test_offsets_and_masks_of_a_finer_map_are_read_in_memory_order() -> None:
    # DyHead relies on it: mmcv takes the values of each sample one after another, whatever their height and width.
    features, offset, mask, weight = operands(*CASES[0])
    fine = [torch.cat([tensor, torch.randn_like(tensor)], dim=3).requires_grad_() for tensor in (offset, mask)]
    read = [
        tensor.detach().reshape(2, -1)[:, : like[0].numel()].reshape(like.shape).requires_grad_()
        for tensor, like in zip(fine, (offset, mask), strict=True)
    ]
    outputs = [modulated_deform_conv2d(features, *pair, weight, None, 1, 1) for pair in (fine, read)]
    assert torch.equal(*outputs)
    first, second = (
        torch.autograd.grad(output.sum(), pair) for output, pair in zip(outputs, (fine, read), strict=True)
    )
    for full, part in zip(first, second, strict=True):
        flat = full.reshape(2, -1)
        torch.testing.assert_close(flat[:, : part[0].numel()], part.reshape(2, -1))
        assert flat[:, part[0].numel() :].abs().sum() == 0
    with pytest.raises(RuntimeError, match="offset output dims"):
        modulated_deform_conv2d(features, offset[:, :, :2], mask, weight, None, 1, 1)
