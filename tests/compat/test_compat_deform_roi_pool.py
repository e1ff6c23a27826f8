"""deform_roi_pool of mmcv.ops against its definition written out, and its gradients by finite differences."""

import math

import pytest
import torch
from test_compat_roi_align import ROIS, bilinear
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import DeformRoIPoolPack, ModulatedDeformRoIPoolPack, deform_roi_pool, roi_align

SIZE = (2, 3)
RATIOS = [0, 1, 2]


def naive_pool(features: Tensor, rois: Tensor, offset: Tensor, ratio: int, gamma: float) -> Tensor:
    """(N, C, 2, 3): each moved bin is the mean of a regular grid of bilinear samples; the scale is 0.5."""
    output = features.new_zeros(len(rois), features.shape[1], *SIZE)
    for n, roi in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (0.5 * corner - 0.5 for corner in roi[1:])
        bin_height, bin_width = (y2 - y1) / SIZE[0], (x2 - x1) / SIZE[1]
        down, across = ratio or math.ceil(bin_height), ratio or math.ceil(bin_width)
        for i in range(SIZE[0]):
            for j in range(SIZE[1]):
                move_x, move_y = gamma * (x2 - x1) * offset[n, 0, i, j], gamma * (y2 - y1) * offset[n, 1, i, j]
                samples = [
                    bilinear(
                        features[int(roi[0])],
                        y1 + (i + (row + 0.5) / down) * bin_height + move_y.item(),
                        x1 + (j + (column + 0.5) / across) * bin_width + move_x.item(),
                    )
                    for row in range(down)
                    for column in range(across)
                ]
                if samples:
                    output[n, :, i, j] = torch.stack(samples).mean(dim=0)
    return output


@pytest.fixture
def features() -> Tensor:
    """(2, 3, 7, 9) float64."""
    return torch.randn(2, 3, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def rois() -> Tensor:
    return torch.tensor(ROIS, dtype=torch.float64)


@pytest.fixture
def offset(rois: Tensor) -> Tensor:
    """(N, 2, 2, 3) float64, in sizes of the box."""
    return 2 * torch.randn(len(rois), 2, *SIZE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize("ratio", RATIOS)
def test_is_the_definition(features: Tensor, rois: Tensor, offset: Tensor, ratio: int) -> None:
    output = deform_roi_pool(features, rois, offset, SIZE, 0.5, ratio, 0.3)
    torch.testing.assert_close(output, naive_pool(features, rois, offset, ratio, 0.3), rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_gradients(features: Tensor, rois: Tensor, offset: Tensor, ratio: int) -> None:
    leaves = features.requires_grad_(), offset.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, o: deform_roi_pool(x, rois, o, SIZE, 0.5, ratio, 0.3), leaves, fast_mode=True
    )


def test_every_derivative_of_a_small_map() -> None:
    features = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    offset = torch.randn(2, 2, *SIZE, dtype=torch.float64, requires_grad=True)
    rois = torch.tensor([[0, 1.0, 0.3, 6.9, 5.0], [0, -3.0, 2.0, 3.0, 9.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x, o: deform_roi_pool(x, rois, o, SIZE, 0.5, 1, 0.3), (features, offset))


@pytest.mark.parametrize("ratio", RATIOS)
def test_without_offsets_it_is_roi_align(features: Tensor, rois: Tensor, offset: Tensor, ratio: int) -> None:
    features.requires_grad_()
    expected = roi_align(features, rois, SIZE, 0.5, ratio, "avg", True)
    grad = torch.randn_like(expected)
    (gradient,) = torch.autograd.grad(expected, features, grad)
    for none in (None, torch.zeros_like(offset)):
        output = deform_roi_pool(features, rois, none, SIZE, 0.5, ratio)
        torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(torch.autograd.grad(output, features, grad)[0], gradient, rtol=0, atol=1e-12)


def test_strided_features_and_gradients(features: Tensor, rois: Tensor, offset: Tensor) -> None:
    plain = features.clone().requires_grad_(), offset.clone().requires_grad_()
    strided = (
        features.to(memory_format=torch.channels_last).requires_grad_(),
        offset.mT.contiguous().mT.requires_grad_(),
    )
    grad = torch.randn(3, 2, 3, len(rois), dtype=torch.float64).permute(3, 2, 1, 0)
    outputs = [deform_roi_pool(x, rois, o, SIZE, 0.5, 2) for x, o in (plain, strided)]
    first = torch.autograd.grad(outputs[0], plain, grad.contiguous())
    second = torch.autograd.grad(outputs[1], strided, grad)
    torch.testing.assert_close(second, first, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_features_with_float_boxes(features: Tensor, rois: Tensor, offset: Tensor, dtype: torch.dtype) -> None:
    half, offset = features.to(dtype).requires_grad_(), offset.to(dtype).requires_grad_()
    wide, wide_offset = (tensor.detach().float().requires_grad_() for tensor in (half, offset))
    output = deform_roi_pool(half, rois.float(), offset, SIZE, 0.5)
    expected = deform_roi_pool(wide, rois.float(), wide_offset, SIZE, 0.5)
    assert torch.equal(output, expected.to(dtype))
    output.sum().backward()
    expected.sum().backward()
    assert torch.equal(half.grad, wide.grad.to(dtype)) and torch.equal(
        offset.grad.float(), wide_offset.grad.to(dtype).float()
    )


def test_no_boxes(features: Tensor, rois: Tensor, offset: Tensor) -> None:
    features.requires_grad_()
    output = deform_roi_pool(features, rois[:0], offset[:0], SIZE, 0.5)
    assert output.shape == (0, 3, *SIZE)
    output.sum().backward()
    assert features.grad.abs().sum() == 0


@pytest.mark.parametrize("layer", [DeformRoIPoolPack, ModulatedDeformRoIPoolPack])
def test_layers_begin_at_roi_align_and_learn_offsets(features: Tensor, rois: Tensor, layer) -> None:
    pool = layer(SIZE, 3, deform_fc_channels=8, spatial_scale=0.5).double()
    expected = roi_align(features, rois, SIZE, 0.5) * (0.5 if layer is ModulatedDeformRoIPoolPack else 1)
    output = pool(features, rois)
    torch.testing.assert_close(output, expected)
    output.square().sum().backward()
    assert pool.offset_fc[-1].weight.grad.abs().sum() > 0
