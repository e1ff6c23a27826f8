"""carafe of mmcv.ops against the sum of its paper written out, and its gradients by finite differences."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv import _ext as stand_in
from mmcv.ops import CARAFE, CARAFEPack, carafe, carafe_naive

SIZE = (3, 4)
CASES = [(1, 1, 1), (3, 1, 2), (3, 2, 2), (5, 4, 1), (3, 2, 3)]  # kernel, groups, scale


def naive_carafe(features: Tensor, masks: Tensor, kernel: int, groups: int, scale: int) -> Tensor:
    """(B, C, H * scale, W * scale), one output number at a time."""
    batch, channels, height, width = features.shape
    output = features.new_zeros(batch, channels, height * scale, width * scale)
    for b in range(batch):
        for c in range(channels):
            group = c * groups // channels
            for y in range(height * scale):
                for x in range(width * scale):
                    for i in range(kernel):
                        for j in range(kernel):
                            row, column = y // scale + i - kernel // 2, x // scale + j - kernel // 2
                            if 0 <= row < height and 0 <= column < width:
                                weight = masks[b, (group * kernel + i) * kernel + j, y, x]
                                output[b, c, y, x] += weight * features[b, c, row, column]
    return output


def operands(kernel: int, groups: int, scale: int) -> tuple[Tensor, Tensor]:
    """(2, 4, 3, 4) features and their masks, float64."""
    generator = torch.Generator().manual_seed(0)
    height, width = SIZE
    features = torch.randn(2, 4, height, width, generator=generator, dtype=torch.float64)
    shape = (2, groups * kernel**2, height * scale, width * scale)
    return features, torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("kernel", "groups", "scale"), CASES)
def test_carafe_is_the_definition(kernel: int, groups: int, scale: int) -> None:
    features, masks = operands(kernel, groups, scale)
    expected = naive_carafe(features, masks, kernel, groups, scale)
    torch.testing.assert_close(CARAFE(kernel, groups, scale)(features, masks), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(carafe_naive(features, masks, kernel, groups, scale), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kernel", "groups", "scale"), CASES)
def test_gradient(kernel: int, groups: int, scale: int) -> None:
    features, masks = (tensor.requires_grad_() for tensor in operands(kernel, groups, scale))
    assert torch.autograd.gradcheck(lambda x, m: carafe(x, m, kernel, groups, scale), (features, masks), fast_mode=True)


def test_every_derivative_of_a_small_map() -> None:
    features = torch.randn(1, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    masks = torch.randn(1, 18, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, m: carafe(x, m, 3, 2, 2), (features, masks))


def test_naive_backward_is_that_of_carafe() -> None:
    # mmcv refuses to call it for tensors on the CPU.
    features, masks = (tensor.requires_grad_() for tensor in operands(3, 2, 2))
    output = carafe(features, masks, 3, 2, 2)
    grad = torch.randn_like(output)
    expected = torch.autograd.grad(output, (features, masks), grad)
    buffers = torch.zeros_like(features), torch.zeros_like(masks)
    stand_in.carafe_naive_backward(
        grad, features.detach(), masks.detach(), *buffers, kernel_size=3, group_size=2, scale_factor=2
    )
    assert all(torch.equal(*pair) for pair in zip(buffers, expected, strict=True))


def test_strided_features_and_gradients() -> None:
    features, masks = operands(3, 2, 2)
    plain = [features.clone().requires_grad_(), masks.clone().requires_grad_()]
    strided = [tensor.to(memory_format=torch.channels_last).requires_grad_() for tensor in (features, masks)]
    outputs = [carafe(x, m, 3, 2, 2) for x, m in (plain, strided)]
    grad = torch.randn_like(outputs[0]).transpose(2, 3).contiguous().transpose(2, 3)
    first = torch.autograd.grad(outputs[0], plain, grad.contiguous())
    second = torch.autograd.grad(outputs[1], strided, grad)
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_features_with_float_masks(dtype: torch.dtype) -> None:
    features, masks = operands(3, 2, 2)
    half, masks = features.to(dtype).requires_grad_(), masks.float()
    wide = half.detach().float().requires_grad_()
    output, expected = carafe(half, masks, 3, 2, 2), carafe(wide, masks, 3, 2, 2)
    assert torch.equal(output, expected.to(dtype))
    output.sum().backward()
    expected.sum().backward()
    assert half.grad.dtype == dtype and torch.equal(half.grad, wide.grad.to(dtype))


def test_uniform_kernel_is_a_smoothed_nearest_neighbour() -> None:
    pack = CARAFEPack(4, scale_factor=2, up_kernel=3, compressed_channels=4)
    torch.nn.init.zeros_(pack.content_encoder.weight)  # the softmax over the 9 taps is then 1 / 9
    torch.nn.init.zeros_(pack.content_encoder.bias)
    features = torch.randn(1, 4, 5, 6)
    smooth = functional.avg_pool2d(features, 3, stride=1, padding=1)
    torch.testing.assert_close(pack(features), functional.interpolate(smooth, scale_factor=2, mode="nearest"))
