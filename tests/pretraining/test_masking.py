"""Masks against the official draws, and their invariants."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.pretraining import RandomMask


def test_equals_the_official_draws(data_dir: Path) -> None:
    masks = json.loads((data_dir / "simmim" / "masks.json").read_text())["masks"]
    assert len(masks) == 10
    for case in masks:
        unit, patch = case["mask_patch_size"], case["model_patch_size"]
        draw = RandomMask(case["input_size"], unit, patch, case["mask_ratio"])
        mask = draw(np.random.RandomState(case["numpy_legacy_seed"]))
        assert list(mask.shape) == case["shape"]
        assert mask.sum() == case["masked_tokens"]
        hidden_units = np.flatnonzero(mask[:: unit // patch, :: unit // patch])
        assert hidden_units.tolist() == case["first_draw_hidden_unit_indices"]


def test_refuses_what_the_official_code_refuses(data_dir: Path) -> None:
    arguments = json.loads((data_dir / "simmim" / "masks.json").read_text())["mask_arguments"]
    for case in arguments:
        assert not case["accepted"]
        with pytest.raises(MaskError, match="does not divide"):
            RandomMask(case["input_size"], case["mask_patch_size"], case["model_patch_size"])


@given(
    side=st.integers(1, 12),
    repeat=st.integers(1, 4),
    stride=st.sampled_from([1, 4, 16]),
    ratio=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_always_the_same_number_of_whole_units(side: int, repeat: int, stride: int, ratio: float, seed: int) -> None:
    draw = RandomMask(side * repeat * stride, repeat * stride, stride, ratio)
    mask = draw(np.random.default_rng(seed))
    assert mask.dtype == np.bool_
    assert mask.shape == (side * repeat, side * repeat)
    units = mask.reshape(side, repeat, side, repeat).sum(axis=(1, 3))
    assert set(np.unique(units)) <= {0, repeat**2}
    assert (units > 0).sum() == math.ceil(side**2 * ratio)


def test_every_unit_is_hidden_equally_often() -> None:
    draw, rng = RandomMask(32, 8, 8, 0.5), np.random.default_rng(0)
    share = np.mean([draw(rng) for _ in range(4000)], axis=0)
    assert np.abs(share - 0.5).max() < 5 * math.sqrt(0.25 / 4000)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_ratio_out_of_range(ratio: float) -> None:
    with pytest.raises(ConfigError, match="mask_ratio"):
        RandomMask(192, mask_ratio=ratio)


@pytest.mark.parametrize("size", [0, -8, 64])
def test_unit_that_is_no_size(size: int) -> None:
    with pytest.raises(MaskError, match=f"mask_patch_size is {size}"):
        RandomMask(32, mask_patch_size=size)
