"""nms, batched_nms and nms_match of mmcv.ops against a loop over the definition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import batched_nms, nms, nms_match


def naive_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: int) -> list[int]:
    """Visit by falling score (first of equals first); keep what overlaps no kept box by more than the threshold."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j], offset) <= threshold for j in kept):
            kept.append(i)
    return kept


def iou(a: np.ndarray, b: np.ndarray, offset: int) -> float:
    wide = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0)
    high = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0)
    areas = [(box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (a, b)]
    union = sum(areas) - wide * high
    return wide * high / union if union else 0.0


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Up to 12 boxes with integer corners in a small square, so that overlaps, ties and empty boxes are common."""
    corner = st.integers(0, 8)
    rows = draw(st.lists(st.tuples(corner, corner, corner, corner, st.integers(0, 5)), max_size=12))
    table = np.array(rows, dtype=np.float32).reshape(-1, 5)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
    return boxes, table[:, 4] / 5


@given(scored_boxes(), st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.sampled_from([0, 1]))
def test_nms_is_the_definition(data: tuple[np.ndarray, np.ndarray], threshold: float, offset: int) -> None:
    boxes, scores = data
    dets, kept = nms(boxes, scores, threshold, offset=offset)
    expected = naive_nms(boxes, scores, threshold, offset)
    assert kept.tolist() == expected
    np.testing.assert_array_equal(dets, np.concatenate([boxes, scores[:, None]], axis=1)[expected])


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_nms_on_many_real_boxes(threshold: float, offset: int) -> None:
    generator = torch.Generator().manual_seed(3)
    boxes = 50 * torch.rand(300, 4, generator=generator, dtype=torch.float64)
    boxes[:, 2:] += boxes[:, :2]
    scores = torch.rand(300, generator=generator, dtype=torch.float64)
    _, kept = nms(boxes, scores, threshold, offset=offset)
    assert kept.dtype == torch.int64
    assert kept.tolist() == naive_nms(boxes.numpy(), scores.numpy(), threshold, offset)


def test_offset_counts_the_last_pixel() -> None:
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]])  # IoU 0 as edges, 2 / 6 as pixels
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.3, offset=0)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.3, offset=1)[1].tolist() == [0]


def test_an_overlap_equal_to_the_threshold_is_kept() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 1.0], [0.0, 0.0, 3.0, 1.0]])  # IoU 3 / 10, above 0.3 in float32
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.3)[1].tolist() == [0, 1]


def test_score_threshold_and_max_num() -> None:
    boxes = torch.tensor([[0.0, 0, 1, 1], [10, 0, 11, 1], [20, 0, 21, 1], [30, 0, 31, 1]])
    scores = torch.tensor([0.1, 0.4, 0.9, 0.6])
    assert nms(boxes, scores, 0.5, score_threshold=0.3)[1].tolist() == [2, 3, 1]
    assert nms(boxes, scores, 0.5, score_threshold=0.3, max_num=2)[1].tolist() == [2, 3]


def test_no_boxes() -> None:
    dets, kept = nms(torch.zeros(0, 4), torch.zeros(0), 0.5, offset=1)
    assert dets.shape == (0, 5) and kept.shape == (0,)


@pytest.mark.parametrize("box_dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("score_dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_mixed_precision(box_dtype: torch.dtype, score_dtype: torch.dtype) -> None:
    boxes = torch.tensor([[0.0, 0, 8, 8], [1, 0, 9, 8], [16, 0, 24, 8]]).to(box_dtype)
    scores: Tensor = torch.tensor([0.5, 0.75, 0.25]).to(score_dtype)
    assert nms(boxes, scores, 0.5, offset=1)[1].tolist() == [1, 2]


def test_batched_nms_keeps_classes_apart() -> None:
    generator = torch.Generator().manual_seed(4)
    boxes = torch.randint(0, 12, (60, 4), generator=generator).double()
    boxes[:, 2:] += boxes[:, :2] + 1
    scores, labels = torch.rand(60, generator=generator).double(), torch.randint(0, 3, (60,), generator=generator)
    expected = []
    for label in range(3):
        rows = (labels == label).nonzero()[:, 0]
        expected += rows[naive_nms(boxes[rows].numpy(), scores[rows].numpy(), 0.5, 0)].tolist()
    expected.sort(key=lambda i: -scores[i])
    config = {"type": "nms", "iou_threshold": 0.5}
    dets, kept = batched_nms(boxes, scores, labels, config)
    assert kept.tolist() == expected
    assert torch.equal(dets, torch.cat([boxes, scores[:, None]], dim=1)[expected])
    assert batched_nms(boxes, scores, labels, {**config, "split_thr": 10})[1].tolist() == expected


@given(scored_boxes(), st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_nms_match_is_the_definition(data: tuple[np.ndarray, np.ndarray], threshold: float) -> None:
    boxes, scores = data
    left = sorted(range(len(boxes)), key=lambda i: -scores[i])
    expected = []
    while left:
        first = left[0]
        group = [i for i in left if i == first or iou(boxes[first], boxes[i], 0) >= threshold]
        left = [i for i in left if i not in group]
        expected.append(group)
    dets = torch.from_numpy(np.concatenate([boxes, scores[:, None]], axis=1))
    assert [group.tolist() for group in nms_match(dets, threshold)] == expected
    assert [group.tolist() for group in nms_match(dets.half(), threshold)] == expected
