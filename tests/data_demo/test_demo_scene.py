"""Photographs by group, and garments laid over them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simmim_eval.data.demo import PHOTOGRAPHS
from simmim_eval.data.demo import photographs as photographs_module
from simmim_eval.data.demo import scene as scene_module
from simmim_eval.data.demo.garments import GROUPS, Garment, garment
from simmim_eval.data.demo.photographs import Photograph, background, photographs
from simmim_eval.data.demo.scene import Placement, paint, picture, scene
from simmim_eval.errors import DataError

GREY = np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, 1)


def test_no_photograph_and_no_file_is_in_two_groups():
    for key in ("name", "path"):
        groups = [{getattr(photograph, key) for photograph in photographs(group)} for group in GROUPS]
        assert all(not first & second for first, second in combinations(groups, 2))
        assert sum(map(len, groups)) == len(PHOTOGRAPHS) == 22


def test_every_photograph_names_its_terms():
    assert all(
        photograph.terms and photograph.package in ("skimage", "sklearn", "matplotlib") for photograph in PHOTOGRAPHS
    )
    assert sum("CC BY 2.0" in photograph.terms for photograph in PHOTOGRAPHS) == 2  # both ask for attribution


def test_the_pictures_of_two_groups_look_different():
    """No picture is a copy of one in another group under another name."""
    small = {
        photograph.name: np.asarray(photographs_module._load(photograph).convert("L").resize((16, 16)), float).ravel()
        for photograph in PHOTOGRAPHS
    }
    for first, second in combinations(PHOTOGRAPHS, 2):
        if first.group != second.group:
            assert np.corrcoef(small[first.name], small[second.name])[0, 1] < 0.9, (first.name, second.name)


def test_background_is_a_square_of_a_photograph_of_its_group(monkeypatch):
    monkeypatch.setattr(photographs_module, "_load", lambda photograph: _one_colour(photograph.group))
    for number, group in enumerate(GROUPS):
        pixels = background(np.random.default_rng(number), group, 40)
        assert pixels.shape == (40, 40, 3) and pixels.dtype == np.float32
        assert (pixels == number).all()


def _one_colour(group: str) -> Image.Image:
    return Image.new("RGB", (90, 60), (GROUPS.index(group),) * 3)


def test_a_missing_photograph_is_named():
    gone = Photograph("gone", "training", "skimage", "data/gone.png", "")
    with pytest.raises(DataError, match=r"skimage/data/gone\.png.*Install"):
        photographs_module._load(gone)
    absent = Photograph("gone", "training", "no_such_package", "gone.png", "")
    with pytest.raises(DataError, match="no_such_package"):
        photographs_module._load(absent)


@pytest.fixture
def arrow() -> Garment:
    """A shape without any symmetry, dark at one end."""
    grey = np.full((32, 32), 200, np.uint8)
    alpha = np.zeros((32, 32), np.uint8)
    alpha[4:28, 10:14] = 255
    alpha[4:10, 14:24] = 255
    grey[4:10] = 60
    return Garment(grey, alpha)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_paint_turns_clockwise_after_it_mirrors(arrow, quarter, flip):
    canvas = np.zeros((32, 32, 3), np.float32)
    lies = paint(canvas, arrow, Placement(16, 16, 1.0, quarter * np.pi / 2, flip), GREY)
    alpha, grey = (plane[:, ::-1] if flip else plane for plane in (arrow.alpha, arrow.grey))
    expected = np.rot90(np.where(alpha > 0, grey, 0), -quarter)
    np.testing.assert_array_equal(lies, np.rot90(alpha > 0, -quarter))
    assert np.abs(canvas[..., 0] - expected).max() <= 2  # Pillow rounds alpha down


def test_paint_zooms_about_the_centre_and_leaves_the_rest(arrow):
    canvas = np.full((80, 100, 3), 7, np.float32)
    lies = paint(canvas, arrow, Placement(60, 40, 2.0, 0.0, False), GREY)
    rows, columns = np.nonzero(lies)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 63, 48, 75)
    far = np.ones(lies.shape, bool)
    far[14:66, 46:78] = False
    assert (canvas[far] == 7).all()


def test_picture_shows_its_garment_over_the_photograph():
    item = garment("training", "shirt", 0)
    drawn = picture(np.random.default_rng(3), "training", item, 56)
    assert drawn.shape == (56, 56, 3) and drawn.dtype == np.uint8
    still = background(np.random.default_rng(3), "training", 56)
    changed = (np.abs(drawn - still) > 2).any(-1).mean()
    zoomed = (item.alpha >= 128).sum() / 28**2
    assert 0.4 * zoomed < changed < 1.1 * zoomed


@given(st.integers(0, 10_000))
def test_scene_labels_are_the_union_of_the_instances(seed):
    drawn = scene(np.random.default_rng(seed), "tuning", 64)
    rest = np.ones((64, 64), bool)
    assert 1 <= len(drawn.instances) <= 4
    for instance in drawn.instances:
        assert (rest | ~instance.visible).all(), "two instances claim a pixel"
        assert instance.visible.sum() >= 40
        assert (drawn.labels[instance.visible] == instance.label + 2).all()
        rest &= ~instance.visible
    assert set(np.unique(drawn.labels[rest])) <= {0, 1}
    assert drawn.labels.max() <= 6


def test_the_front_garment_hides_those_behind_it(monkeypatch):
    """What ``paint`` reported last at a pixel is what the scene says is seen there."""
    laid = []

    def record(*arguments):
        laid.append(paint(*arguments))
        return laid[-1]

    monkeypatch.setattr(scene_module, "paint", record)
    hidden = 0
    for seed in range(20):
        laid.clear()
        drawn = scene(np.random.default_rng(seed), "training", 128)
        seen = [lies & ~np.any(laid[number + 1 :], axis=0) for number, lies in enumerate(laid)]
        hidden += sum(int(lies.sum()) for lies in laid) - sum(int(part.sum()) for part in seen)
        seen = [part for part in seen if part.sum() >= 40]
        assert len(seen) == len(drawn.instances)
        for part, instance in zip(seen, drawn.instances, strict=True):
            np.testing.assert_array_equal(part, instance.visible)
    assert hidden > 1000
