"""RandAugment over clips: one draw for all frames."""

import random

import numpy as np
import pytest
from PIL import Image
from timm.data.auto_augment import rand_augment_transform

from simmim_eval.errors import ConfigError
from simmim_eval.registry import TRANSFORMS
from simmim_eval.transfer.recognition import RandAugmentClip

POLICY = "rand-m7-n4-mstd0.5-inc1"


def _seed(value):
    random.seed(value)
    np.random.seed(value)


def _frames(count, same):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (40, 56, 3), dtype=np.uint8) for _ in range(1 if same else count)]
    return frames * count if same else frames


@pytest.mark.parametrize("seed", range(8))
def test_frames_are_changed_alike_and_as_timm_changes_an_image(seed):
    frames = _frames(3, same=False)
    _seed(seed)
    changed = RandAugmentClip(POLICY)({"imgs": frames, "label": 1})
    options = {"translate_const": 18, "img_mean": (124, 116, 104), "interpolation": Image.Resampling.BICUBIC}
    for frame, result in zip(frames, changed["imgs"], strict=True):
        _seed(seed)
        expected = np.asarray(rand_augment_transform(POLICY, dict(options))(Image.fromarray(frame)))
        np.testing.assert_array_equal(result, expected)
    assert changed["label"] == 1


def test_a_still_clip_stays_still_and_draws_differ():
    augment, results = RandAugmentClip(POLICY), []
    _seed(0)
    for _ in range(6):
        imgs = augment({"imgs": _frames(4, same=True)})["imgs"]
        assert all((image == imgs[0]).all() for image in imgs)
        results.append(imgs[0].tobytes())
    assert len(set(results)) > 1


def test_registered_under_our_scope():
    built = TRANSFORMS.build(dict(type="simmim_eval.RandAugmentClip", policy=POLICY))
    assert POLICY in repr(built)


@pytest.mark.parametrize("policy", ["v0", "augmix-m3", ""])
def test_other_policies_are_refused(policy):
    with pytest.raises(ConfigError, match="policy"):
        RandAugmentClip(policy)
