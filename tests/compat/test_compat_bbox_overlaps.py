"""bbox_overlaps of mmcv.ops against the path that mmcv keeps in Python, and torchvision."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import bbox_overlaps
from mmcv.ops.bbox import _bbox_overlaps_cpu


def boxes(number: int, seed: int) -> Tensor:
    corners = 20 * torch.rand(number, 2, 2, generator=torch.Generator().manual_seed(seed))
    return torch.cat((corners.amin(dim=1), corners.amax(dim=1)), dim=1)


@pytest.mark.parametrize("mode", ["iou", "iof"])
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("aligned", [True, False])
def test_is_mmcvs_python_path(mode: str, offset: int, aligned: bool) -> None:
    first, second = boxes(6, 0), boxes(6 if aligned else 4, 1)
    options = dict(mode=mode, aligned=aligned, offset=offset)
    torch.testing.assert_close(bbox_overlaps(first, second, **options), _bbox_overlaps_cpu(first, second, **options))


def test_plain_overlap_is_torchvisions() -> None:
    torch.testing.assert_close(bbox_overlaps(boxes(6, 0), boxes(4, 1)), box_iou(boxes(6, 0), boxes(4, 1)))


def test_boxes_without_area_and_half_precision() -> None:
    point = torch.tensor([[3.0, 3.0, 3.0, 3.0]])
    assert bbox_overlaps(point, point).item() == 0
    half = boxes(4, 0).half()
    assert torch.equal(bbox_overlaps(half, half), bbox_overlaps(half.float(), half.float()).half())
