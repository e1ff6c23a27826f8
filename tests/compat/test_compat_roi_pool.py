"""roi_pool of mmcv.ops against its definition written out, and its gradient."""

import math

import pytest
import torch
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import RoIPool, roi_pool

# index, x1, y1, x2, y2 in pixels at scale 0.5 of a 7 x 9 map: inside, one pixel, across edges, outside, inverted, all.
ROIS = [
    [0, 2.0, 3.0, 11.0, 9.5],
    [1, 4.3, 4.3, 4.3, 4.3],
    [1, -5.0, -4.0, 6.0, 5.0],
    [0, 10.0, 8.0, 25.0, 20.0],
    [1, 40.0, 40.0, 60.0, 60.0],
    [0, 9.3, 2.0, 8.1, 6.0],
    [1, 0.0, 0.0, 17.0, 13.0],
]


def naive_roi_pool(features: Tensor, rois: Tensor, size: tuple[int, int], scale: float) -> Tensor:
    """(N, C, *size): each bin is the largest of the cells that it touches, 0 if there is none."""
    output = features.new_zeros(len(rois), features.shape[1], *size)
    for n, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = x1 * scale, y1 * scale, (x2 + 1) * scale, (y2 + 1) * scale
        if x2 <= x1 or y2 <= y1:
            continue
        height, width = (y2 - y1) / size[0], (x2 - x1) / size[1]
        for i in range(size[0]):
            top, bottom = max(math.floor(y1 + i * height), 0), min(math.ceil(y1 + (i + 1) * height), 7)
            for j in range(size[1]):
                left, right = max(math.floor(x1 + j * width), 0), min(math.ceil(x1 + (j + 1) * width), 9)
                if bottom > top and right > left:
                    output[n, :, i, j] = features[int(image), :, top:bottom, left:right].amax(dim=(1, 2))
    return output


@pytest.fixture
def features() -> Tensor:
    """(2, 3, 7, 9) float64."""
    return torch.randn(2, 3, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def rois() -> Tensor:
    return torch.tensor(ROIS, dtype=torch.float64)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 7)])
def test_is_the_definition_with_its_gradient(features: Tensor, rois: Tensor, size: tuple[int, int]) -> None:
    features.requires_grad_()
    output = RoIPool(size, 0.5)(features, rois)
    expected = naive_roi_pool(features, rois, size, 0.5)
    assert torch.equal(output, expected)
    grad = torch.randn(output.shape[::-1], dtype=torch.float64).permute(3, 2, 1, 0)  # not contiguous
    (gradient,) = torch.autograd.grad(output, features, grad)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, features, grad)[0], rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: roi_pool(x, rois, size, 0.5), features, fast_mode=True)


def test_the_first_of_equal_cells_in_reading_order_gets_the_gradient() -> None:
    features = torch.zeros(1, 1, 4, 4)
    features[0, 0, 1, 2] = features[0, 0, 2, 1] = 1
    features.requires_grad_()
    roi_pool(features, torch.tensor([[0, 0.0, 0.0, 3.0, 3.0]]), 1, 1.0).sum().backward()
    assert features.grad.nonzero().tolist() == [[0, 0, 1, 2]]


def test_negative_features_and_no_boxes(features: Tensor, rois: Tensor) -> None:
    negative = -features.abs() - 1
    assert torch.equal(roi_pool(negative, rois, 2, 0.5), naive_roi_pool(negative, rois, (2, 2), 0.5))
    output = roi_pool(features.requires_grad_(), rois[:0], 2, 0.5)
    assert output.shape == (0, 3, 2, 2)
    output.sum().backward()
    assert features.grad.abs().sum() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_features_with_float_boxes(features: Tensor, rois: Tensor, dtype: torch.dtype) -> None:
    half = features.to(dtype).requires_grad_()
    output = roi_pool(half, rois.float(), (2, 3), 0.5)
    wide = half.detach().float().requires_grad_()
    expected = roi_pool(wide, rois.float(), (2, 3), 0.5)
    assert output.dtype == dtype and torch.equal(output.float(), expected)
    output.sum().backward()
    expected.sum().backward()
    assert half.grad.dtype == dtype and torch.equal(half.grad, wide.grad.to(dtype))
