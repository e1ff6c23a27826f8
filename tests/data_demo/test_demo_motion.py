"""Clips: the order of the frames tells the class, and the middle frame does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from simmim_eval.data.demo import MIDDLE_FRAME, MOTIONS, NUM_FRAMES, OPPOSITE
from simmim_eval.data.demo import motion as motion_module
from simmim_eval.data.demo.garments import Garment
from simmim_eval.data.demo.motion import Pose, clip, path

SEEDS = st.integers(0, 2**31)


def numbers(poses: tuple[Pose, ...]) -> np.ndarray:
    """(frames, 4): x, y, diameter, angle modulo a turn."""
    return np.array([[pose.x, pose.y, pose.diameter, pose.angle % (2 * np.pi)] for pose in poses])


def paths(motion: str, seeds: range) -> np.ndarray:
    return np.stack([numbers(path(np.random.default_rng(seed), motion)) for seed in seeds])


def test_motions_come_in_opposite_pairs():
    assert len(MOTIONS) == 8 and set(OPPOSITE) == set(MOTIONS)
    assert all(OPPOSITE[OPPOSITE[motion]] == motion != OPPOSITE[motion] for motion in MOTIONS)
    assert NUM_FRAMES == 8 and MIDDLE_FRAME == 4


@given(SEEDS)
def test_middle_frames_are_the_same_in_all_classes(seed):
    middle = [numbers(path(np.random.default_rng(seed), motion))[3:5] for motion in MOTIONS]
    assert all(np.array_equal(poses, middle[0]) for poses in middle)
    assert np.array_equal(middle[0][0], middle[0][1])


@given(SEEDS, st.sampled_from(MOTIONS))
def test_backwards_is_the_opposite_class(seed, motion):
    forward = path(np.random.default_rng(seed), motion)
    opposite = path(np.random.default_rng(seed), OPPOSITE[motion])
    np.testing.assert_allclose(numbers(forward[::-1]), numbers(opposite), atol=1e-12)


@given(SEEDS, st.sampled_from(MOTIONS))
def test_the_whole_path_is_inside_the_image_without_a_jump(seed, motion):
    poses = path(np.random.default_rng(seed), motion)
    for pose in poses:
        assert pose.diameter / 2 <= pose.x <= 1 - pose.diameter / 2
        assert pose.diameter / 2 <= pose.y <= 1 - pose.diameter / 2
    steps = np.diff([[48 * pose.x, 48 * pose.y, np.log(pose.diameter), pose.angle] for pose in poses], axis=0)
    size = {"left": 4, "right": 4, "up": 4, "down": 4, "grow": np.log(1.12), "shrink": np.log(1.12)}
    np.testing.assert_allclose(np.delete(np.abs(steps).sum(1), 3), size.get(motion, 0.35), rtol=1e-9)
    np.testing.assert_array_equal(steps[3], 0)


@pytest.mark.parametrize(
    ("motion", "column", "sign"),
    [("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1), ("grow", 2, 1), ("shrink", 2, -1)],
)
def test_each_motion_changes_what_its_name_says(motion, column, sign):
    change = np.diff(paths(motion, range(5)), axis=1).sum(1)
    assert (sign * change[:, column] > 0).all()
    np.testing.assert_allclose(np.delete(change, column, 1), 0, atol=1e-12)


def test_clockwise_is_as_seen(monkeypatch):
    """A garment with its weight at one end: the end runs round as the hands of a clock."""
    alpha = np.zeros((32, 32), np.uint8)
    alpha[15:18, 4:28] = 255
    grey = np.zeros((32, 32), np.uint8)
    grey[:, 20:] = 255
    monkeypatch.setattr(motion_module, "garment", lambda *_: Garment(grey, alpha))
    monkeypatch.setattr(motion_module, "background", lambda *_: np.zeros((96, 96, 3), np.float32))
    for motion, sign in (("clockwise", 1), ("counter-clockwise", -1)):
        for seed in range(5):
            frames = clip(np.random.default_rng(seed), "training", motion, 96)[..., 0].astype(float)
            tips = np.array([ndimage.center_of_mass(frame > 150) for frame in frames])
            bodies = np.array([ndimage.center_of_mass(frame > 60) for frame in frames])
            angles = np.unwrap(np.arctan2(*(tips - bodies).T))  # (dy, dx): grows clockwise, as y points down
            assert sign * (angles[-1] - angles[0]) == pytest.approx(6 * 0.35, abs=0.2)


def test_first_frame_of_a_class_is_distributed_as_the_last_of_its_opposite():
    for motion in MOTIONS:
        first = paths(motion, range(400))[:, 0]
        last = paths(OPPOSITE[motion], range(1000, 1400))[:, -1]
        error = np.sqrt((first.var(0) + last.var(0)) / 400)
        assert (np.abs(first.mean(0) - last.mean(0)) < 4.5 * error + 1e-12).all(), motion


def middle_and_ends(seeds: range, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle frames, first frames, classes; each clip from its own seed, (N, size * size * 3)."""
    labels = np.arange(len(seeds)) % len(MOTIONS)
    clips = [
        clip(np.random.default_rng(seed), "training", MOTIONS[label], size)
        for seed, label in zip(seeds, labels, strict=True)
    ]
    frames = np.stack(clips).astype(np.float32) / 255
    return frames[:, MIDDLE_FRAME].reshape(len(labels), -1), frames, labels


def test_middle_frame_alone_is_at_chance_and_motion_is_not():
    middle, frames, labels = middle_and_ends(range(480), 24)
    motion = (frames[:, -1] - frames[:, 0]).mean(-1).reshape(len(labels), -1)
    train, held_out = slice(0, 320), slice(320, 480)
    accuracy = {}
    for name, inputs in (("middle", middle), ("motion", motion)):
        model = LogisticRegression(C=0.05, max_iter=100).fit(inputs[train], labels[train])
        accuracy[name] = model.score(inputs[held_out], labels[held_out])
    error = np.sqrt(0.125 * 0.875 / 160)
    assert accuracy["middle"] < 0.125 + 3 * error
    assert accuracy["motion"] > 0.125 + 6 * error


def test_the_background_is_still_and_the_object_is_bright():
    frames = clip(np.random.default_rng(1), "training", "left", 48).astype(int)
    assert frames.shape == (8, 48, 48, 3)
    moved = np.abs(np.diff(frames, axis=0)).max((0, 3)) > 0
    assert 0.05 < moved.mean() < 0.6
    assert frames[:, ~moved].max() <= np.ceil(0.3 * 255)
    assert frames[:, moved].max() > 0.5 * 255
