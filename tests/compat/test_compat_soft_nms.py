"""soft_nms of mmcv.ops against the algorithm of the paper written out, one box at a time."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import batched_nms, nms, soft_nms

METHODS = ["naive", "linear", "gaussian"]


def overlap(a: list[float], b: list[float], offset: int) -> float:
    wide = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0)
    high = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0)
    areas = [(box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (a, b)]
    union = sum(areas) - wide * high
    return wide * high / union if union else 0.0


def naive_soft_nms(
    boxes: np.ndarray, scores: np.ndarray, threshold: float, sigma: float, min_score: float, method: str, offset: int
) -> tuple[list[int], list[float]]:
    """Indices taken and their scores; a box under ``min_score`` gives its place to the last of the list."""
    waiting = [(i, box, score) for i, (box, score) in enumerate(zip(boxes.tolist(), scores.tolist(), strict=True))]
    taken = []
    while waiting:
        best = max(range(len(waiting)), key=lambda place: waiting[place][2])
        top = waiting[best]
        waiting[best] = waiting[0]
        waiting = waiting[1:]
        taken.append(top)
        place = 0
        while place < len(waiting):
            i, box, score = waiting[place]
            common = overlap(top[1], box, offset)
            if method == "gaussian":
                score *= math.exp(-(common**2) / sigma)
            elif common >= threshold:
                score *= 1 - common if method == "linear" else 0
            if score < min_score:
                last = waiting.pop()
                if place < len(waiting):
                    waiting[place] = last
            else:
                waiting[place] = (i, box, score)
                place += 1
    return [i for i, _, _ in taken], [score for _, _, score in taken]


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Up to 12 boxes with integer corners in a small square and scores in sevenths, with many ties."""
    corner = st.integers(0, 8)
    rows = draw(st.lists(st.tuples(corner, corner, corner, corner, st.integers(0, 7)), max_size=12))
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
    return boxes, table[:, 4] / 7


@settings(max_examples=200)
@given(
    scored_boxes(),
    st.sampled_from(METHODS),
    st.sampled_from([0.2, 0.5]),
    st.sampled_from([0.0, 0.001, 0.3]),
    st.sampled_from([0, 1]),
)
def test_soft_nms_is_the_algorithm(
    data: tuple[np.ndarray, np.ndarray], method: str, threshold: float, min_score: float, offset: int
) -> None:
    boxes, scores = data
    expected, decayed = naive_soft_nms(boxes, scores, threshold, 0.5, min_score, method, offset)
    dets, kept = soft_nms(boxes, scores, threshold, 0.5, min_score, method, offset)
    assert kept.tolist() == expected
    np.testing.assert_array_equal(dets[:, :4], boxes[expected])
    np.testing.assert_allclose(dets[:, 4], decayed, rtol=1e-12)


@given(scored_boxes(), st.sampled_from(METHODS))
def test_scores_never_rise_and_the_best_box_is_taken_unchanged(
    data: tuple[np.ndarray, np.ndarray], method: str
) -> None:
    boxes, scores = data
    dets, kept = soft_nms(boxes, scores, 0.3, 0.5, 1e-3, method)
    assert len(set(kept.tolist())) == len(kept)
    assert (dets[:, 4] <= scores[kept]).all()
    if len(boxes):
        assert dets[0, 4] == scores.max()


def test_two_boxes_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 2.0, 4.0, 6.0]])  # IoU 8 / 24
    scores = torch.tensor([0.6, 0.9])
    expected = {"naive": 0.0, "linear": 0.6 * (1 - 1 / 3), "gaussian": 0.6 * math.exp(-(1 / 9) / 0.5)}
    for method, score in expected.items():
        dets, kept = soft_nms(boxes, scores, 0.3, sigma=0.5, min_score=0.0, method=method)
        assert kept.tolist() == [1, 0]
        assert dets[:, 4].tolist() == pytest.approx([0.9, score], abs=1e-7)


@pytest.mark.parametrize(("method", "score"), [("naive", 0.0), ("linear", 0.25)])
def test_an_overlap_equal_to_the_threshold_decays(method: str, score: float) -> None:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0]])  # IoU 8 / 16
    dets, _ = soft_nms(boxes, torch.tensor([0.9, 0.5]), 0.5, min_score=0.0, method=method)
    assert dets[1, 4].item() == score


def test_the_first_box_is_kept_under_min_score_and_apart_boxes_are_dropped() -> None:
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 6.0]])
    dets, kept = soft_nms(boxes, torch.tensor([0.02, 0.01]), min_score=0.05)
    assert kept.tolist() == [0] and dets.shape == (1, 5)


def test_the_example_in_mmcvs_documentation() -> None:
    boxes = [[4, 3, 5, 3], [4, 3, 5, 4], [3, 1, 3, 1], [3, 1, 3, 1], [3, 1, 3, 1], [3, 1, 3, 1]]  # four without area
    scores = np.array([0.9, 0.9, 0.5, 0.5, 0.4, 0.0], dtype=np.float32)
    dets, kept = soft_nms(np.array(boxes, dtype=np.float32), scores, 0.6, sigma=0.5)
    assert len(dets) == 5 and sorted(kept.tolist()) == [0, 1, 2, 3, 4]


def test_naive_soft_nms_is_nms() -> None:
    generator = torch.Generator().manual_seed(5)
    boxes = 20 * torch.rand(120, 4, generator=generator)
    boxes[:, 2:] += boxes[:, :2]
    scores = 0.1 + torch.rand(120, generator=generator)
    soft, soft_kept = soft_nms(boxes, scores, 0.4, min_score=1e-3, method="naive")
    hard, hard_kept = nms(boxes, scores, 0.4)
    assert torch.equal(soft_kept, hard_kept) and torch.equal(soft, hard)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    boxes = torch.tensor([[0.0, 0, 8, 8], [1, 0, 9, 8], [16, 0, 24, 8]])
    scores = torch.tensor([0.5, 0.75, 0.25])
    dets, kept = soft_nms(boxes.to(dtype), scores.to(dtype), method="gaussian")
    wide, expected = soft_nms(boxes, scores, method="gaussian")
    assert dets.dtype == dtype and torch.equal(kept, expected) and torch.equal(dets, wide.to(dtype))


def test_inputs_are_left_as_they_were_and_may_carry_gradients() -> None:
    boxes = torch.tensor([[0.0, 0, 8, 8], [1, 0, 9, 8]], requires_grad=True)
    scores = torch.tensor([0.5, 0.75], requires_grad=True)
    soft_nms(boxes, scores)
    assert scores.tolist() == [0.5, 0.75] and boxes[0].tolist() == [0, 0, 8, 8]


def test_no_boxes() -> None:
    dets, kept = soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5) and kept.shape == (0,)


def test_batched_soft_nms_lowers_scores_inside_a_class_only() -> None:
    boxes = torch.tensor([[0.0, 0, 8, 8], [1, 0, 9, 8], [1, 0, 9, 8]])
    config = {"type": "soft_nms", "iou_threshold": 0.5, "min_score": 0.05}
    dets, kept = batched_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 0, 1]), config)
    assert kept.tolist() == [0, 2, 1]
    assert dets[:, 4].tolist() == pytest.approx([0.9, 0.7, 0.8 * (1 - 7 / 9)], abs=1e-6)
