"""Windows against the plain statement of what they are: tiles of the padded map, moved by the shift, cut at edges."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from simmim_eval.backbones.window import attend_in_windows, merge_windows, split_windows

AXES = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3)


@given(AXES)
def test_split_and_merge_are_inverse(axes: list[tuple[int, int]]) -> None:
    window = tuple(side for side, _ in axes)
    size = tuple(side * count for side, count in axes)
    x = torch.randn(2, *size, 3)
    windows = split_windows(x, window)
    assert windows.shape == (2 * math.prod(count for _, count in axes), math.prod(window), 3)
    assert torch.equal(merge_windows(windows, window, size), x)


def test_windows_are_row_major() -> None:
    x = torch.arange(16).reshape(1, 4, 4, 1)
    assert split_windows(x, (2, 2))[..., 0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def mean_of_what_is_seen(x: Tensor, mask: Tensor | None) -> Tensor:
    """Attention whose logits are all 0."""
    if mask is None:
        return x.mean(1, keepdim=True).expand_as(x)
    weights = mask.softmax(-1)
    return weights.repeat(len(x) // len(weights), 1, 1) @ x


def obvious(x: Tensor, window: Sequence[int], shift: Sequence[int], hide: Sequence[bool]) -> Tensor:
    """For each cell the mean over its tile, by a loop over cells; padded cells are zeros, or absent where hidden."""
    size = x.shape[1:-1]
    padded = [math.ceil(length / side) * side for length, side in zip(size, window, strict=True)]
    tiles: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for cell in torch.cartesian_prod(*(torch.arange(n) for n in padded)).reshape(-1, len(size)).tolist():
        tile = tuple((place - step) // side for place, step, side in zip(cell, shift, window, strict=True))
        tiles.setdefault(tile, []).append(tuple(cell))
    out = torch.zeros_like(x)
    for cells in tiles.values():
        total, seen = torch.zeros(x.shape[0], x.shape[-1], dtype=x.dtype), 0
        for cell in cells:
            outside = [place >= length for place, length in zip(cell, size, strict=True)]
            if any(flag and hidden for flag, hidden in zip(outside, hide, strict=True)):
                continue
            seen += 1
            if not any(outside):
                total += x[(slice(None), *cell)]
        for cell in cells:
            if all(place < length for place, length in zip(cell, size, strict=True)):
                out[(slice(None), *cell)] = total / seen
    return out


CASES = st.lists(
    st.integers(1, 4).flatmap(
        lambda side: st.tuples(st.integers(1, 9), st.just(side), st.integers(0, side - 1), st.booleans())
    ),
    min_size=1,
    max_size=3,
)


@given(CASES)
def test_each_cell_sees_its_tile(case: list[tuple[int, int, int, bool]]) -> None:
    size, window, shift, hide = (tuple(values) for values in zip(*case, strict=True))
    x = torch.randn(2, *size, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = attend_in_windows(x, mean_of_what_is_seen, window, shift, hide)
    torch.testing.assert_close(ours, obvious(x, window, shift, hide), atol=1e-12, rtol=0)


@pytest.mark.parametrize("shift", [(0, 0), (1, 2)])
def test_gradients_stay_inside_the_tile(shift: tuple[int, int]) -> None:
    x = torch.randn(1, 7, 10, 1, requires_grad=True)
    attend_in_windows(x, mean_of_what_is_seen, (3, 4), shift)[0, 4, 5, 0].backward()
    rows, columns = x.grad[0, :, :, 0].nonzero().unbind(1)
    expected = ((3, 5), (4, 7)) if shift == (0, 0) else ((4, 6), (2, 5))
    assert ((rows.min(), rows.max()), (columns.min(), columns.max())) == expected
