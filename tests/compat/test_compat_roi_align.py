"""roi_align of mmcv.ops against its definition written out, and its gradient by finite differences."""

import math

import pytest
import torch
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import RoIAlign, roi_align

# index, x1, y1, x2, y2 in pixels at scale 0.5 of a 7 x 9 map: inside, of no size, across each edge, and outside.
ROIS = [
    [0, 2.0, 3.0, 11.0, 9.5],
    [1, 4.3, 4.3, 4.3, 4.3],
    [1, -5.0, -4.0, 6.0, 5.0],
    [0, 10.0, 8.0, 25.0, 20.0],
    [1, 40.0, 40.0, 60.0, 60.0],
    [0, 0.0, 0.0, 18.0, 14.0],
]
OPTIONS = [(aligned, ratio) for aligned in (True, False) for ratio in (0, 1, 2, 3)]


def bilinear(plane: Tensor, y: float, x: float) -> Tensor:
    """The (C,) value at cell coordinates (y, x); 0 beyond one cell from the map, the border value up to there."""
    rows, columns = plane.shape[-2:]
    if not (-1 <= y <= rows and -1 <= x <= columns):
        return plane.new_zeros(plane.shape[0])
    y, x = min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)
    top, left = math.floor(y), math.floor(x)
    value = plane.new_zeros(plane.shape[0])
    for row, row_weight in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, column_weight in ((left, 1 - (x - left)), (left + 1, x - left)):
            if row_weight * column_weight:
                value = value + row_weight * column_weight * plane[:, row, column]
    return value


def naive_roi_align(
    features: Tensor, rois: Tensor, size: tuple[int, int], scale: float, ratio: int, aligned: bool, mode: str = "avg"
) -> Tensor:
    """(N, C, *size): each bin is the mean or the largest of a regular grid of bilinear samples."""
    output = features.new_zeros(len(rois), features.shape[1], *size)
    for n, roi in enumerate(rois.tolist()):
        shift = 0.5 if aligned else 0.0
        x1, y1, x2, y2 = (scale * corner - shift for corner in roi[1:])
        width, height = (x2 - x1, y2 - y1) if aligned else (max(x2 - x1, 1), max(y2 - y1, 1))
        bin_height, bin_width = height / size[0], width / size[1]
        down = ratio or math.ceil(bin_height)
        across = ratio or math.ceil(bin_width)
        for i in range(size[0]):
            for j in range(size[1]):
                samples = [
                    bilinear(
                        features[int(roi[0])],
                        y1 + (i + (row + 0.5) / down) * bin_height,
                        x1 + (j + (column + 0.5) / across) * bin_width,
                    )
                    for row in range(down)
                    for column in range(across)
                ]
                if samples:
                    grid = torch.stack(samples)
                    output[n, :, i, j] = grid.mean(dim=0) if mode == "avg" else grid.amax(dim=0)
    return output


@pytest.fixture
def features() -> Tensor:
    """(2, 3, 7, 9) float64."""
    return torch.randn(2, 3, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def rois() -> Tensor:
    """(6, 5) float64."""
    return torch.tensor(ROIS, dtype=torch.float64)


@pytest.mark.parametrize(("aligned", "ratio"), OPTIONS)
def test_roi_align_is_the_definition(features: Tensor, rois: Tensor, aligned: bool, ratio: int) -> None:
    expected = naive_roi_align(features, rois, (2, 3), 0.5, ratio, aligned)
    output = roi_align(features, rois, (2, 3), 0.5, ratio, "avg", aligned)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    layer = RoIAlign((2, 3), spatial_scale=0.5, sampling_ratio=ratio, aligned=aligned)
    assert torch.equal(layer(features, rois), output)


@pytest.mark.parametrize(("aligned", "ratio"), OPTIONS)
def test_gradient(features: Tensor, rois: Tensor, aligned: bool, ratio: int) -> None:
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: roi_align(x, rois, (2, 3), 0.5, ratio, "avg", aligned), features)


def test_gradient_of_a_cut_out_view(features: Tensor, rois: Tensor) -> None:
    features.requires_grad_()
    roi_align(features, rois, 4, 0.5).permute(1, 0, 3, 2)[..., :2].sum().backward()
    expected = naive_roi_align(leaf := features.detach().clone().requires_grad_(), rois, (4, 4), 0.5, 0, True)
    expected[:, :, :2].sum().backward()
    torch.testing.assert_close(features.grad, leaf.grad, rtol=0, atol=1e-12)


def test_mean_of_a_linear_map_is_its_value_at_the_centre() -> None:
    ramp = torch.arange(16.0).repeat(16, 1)[None, None]  # the cell in column c holds c, at pixel c + 0.5
    output = roi_align(ramp, torch.tensor([[0, 3.0, 2.0, 9.0, 8.0]]), 1, 1.0, 0, "avg", True)
    assert output.item() == pytest.approx(6.0 - 0.5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_features_with_float_boxes(features: Tensor, rois: Tensor, dtype: torch.dtype) -> None:
    half = features.to(dtype).requires_grad_()
    output = roi_align(half, rois.float(), (2, 3), 0.5)
    wide = half.detach().float().requires_grad_()
    expected = roi_align(wide, rois.float(), (2, 3), 0.5)
    assert torch.equal(output, expected.to(dtype))
    output.sum().backward()
    expected.sum().backward()
    assert half.grad.dtype == dtype and torch.equal(half.grad, wide.grad.to(dtype))


def test_no_boxes(features: Tensor) -> None:
    features.requires_grad_()
    output = roi_align(features, features.new_zeros(0, 5), (2, 3))
    assert output.shape == (0, 3, 2, 3)
    output.sum().backward()
    assert features.grad.abs().sum() == 0


@pytest.mark.parametrize(("aligned", "ratio"), OPTIONS)
def test_max_pooling_is_the_definition_with_its_gradient(
    features: Tensor, rois: Tensor, aligned: bool, ratio: int
) -> None:
    leaf = features.clone().requires_grad_()
    expected = naive_roi_align(leaf, rois, (2, 3), 0.5, ratio, aligned, "max")
    features = features.to(memory_format=torch.channels_last).requires_grad_()
    output = roi_align(features, rois, (2, 3), 0.5, ratio, "max", aligned)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    grad = torch.randn(output.shape[::-1], dtype=torch.float64).permute(3, 2, 1, 0)  # not contiguous
    grad[4] = 0  # the box outside: all its samples are equal
    (gradient,) = torch.autograd.grad(output, features, grad)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, leaf, grad)[0], rtol=0, atol=1e-12)


def test_gradient_of_max_pooling(features: Tensor, rois: Tensor) -> None:
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: roi_align(x, rois, (2, 3), 0.5, 2, "max", True), features, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_max_pooling_of_half_features(features: Tensor, rois: Tensor, dtype: torch.dtype) -> None:
    half = features.to(dtype).requires_grad_()
    wide = half.detach().float().requires_grad_()
    output, expected = (roi_align(x, rois.float(), (2, 3), 0.5, 0, "max") for x in (half, wide))
    assert torch.equal(output, expected.to(dtype))
    output.sum().backward()
    expected.sum().backward()
    assert torch.equal(half.grad, wide.grad.to(dtype))


def test_max_pooling_lets_a_value_that_is_no_number_through(features: Tensor, rois: Tensor) -> None:
    features[0] = torch.nan
    output = roi_align(features, rois, 1, 0.5, 2, "max")
    assert output[0].isnan().all() and output[1].isfinite().all()
