"""The vendored garments: where each comes from, that the groups share none, and the licence."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simmim_eval.data.demo import BASE_CLASSES, CLASSES, TRANSFER_CLASSES
from simmim_eval.data.demo.garments import GROUPS, garment, num_garments

ASSETS = files("simmim_eval.data.demo") / "assets"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture(scope="module")
def index() -> dict:
    return json.loads((ASSETS / "garments.json").read_text())


@pytest.fixture(scope="module")
def sheet() -> np.ndarray:
    return np.asarray(Image.open(str(ASSETS / "garments.png")))


def test_sheet_holds_as_many_tiles_as_the_index_names(index, sheet):
    counts = {group: {name: num_garments(group, name) for name in CLASSES} for group in GROUPS}
    assert counts == {
        "training": dict.fromkeys(CLASSES, 1000),
        "tuning": dict.fromkeys(CLASSES, 100),
        "reported": dict.fromkeys(CLASSES, 300),
    }
    assert sheet.dtype == np.uint8 and sheet.size == 14_000 * 28 * 28
    assert sheet.shape[1] == index["columns"] * index["tile"]


def test_indices_lie_in_their_file_and_no_garment_is_used_twice(index):
    used = [
        (group["images"], number)
        for group in index["groups"].values()
        for numbers in group["indices"].values()
        for number in numbers
    ]
    assert len(set(used)) == len(used) == 14_000
    sizes = {"train-images-idx3-ubyte.gz": 60_000, "t10k-images-idx3-ubyte.gz": 10_000}
    assert all(0 <= number < sizes[source] for source, number in used)
    assert {name: group["images"][:5] for name, group in index["groups"].items()} == {
        "training": "train",
        "tuning": "train",
        "reported": "t10k-",
    }


def test_reported_garments_lie_past_the_first_400_of_their_class(index):
    # Each class has 1,000 of the 10,000 garments in random order; 400 of a class before the first one leave at
    # least 400 garments of the file before it.
    for numbers in index["groups"]["reported"]["indices"].values():
        assert numbers == sorted(numbers) and numbers[0] >= 400


def test_no_two_groups_hold_the_same_picture(sheet):
    tiles = sheet.reshape(sheet.shape[0] // 28, 28, -1, 28).swapaxes(1, 2).reshape(-1, 28 * 28)
    hashes = [hash(tile.tobytes()) for tile in tiles]
    training, tuning, reported = set(hashes[:10_000]), set(hashes[10_000:11_000]), set(hashes[11_000:])
    assert not training & tuning and not training & reported and not tuning & reported


def test_base_and_transfer_classes_share_nothing():
    assert not set(BASE_CLASSES) & set(TRANSFER_CLASSES)
    assert set(BASE_CLASSES) | set(TRANSFER_CLASSES) == set(CLASSES)


def test_garment_keeps_the_tones_of_its_tile(sheet):
    item = garment("tuning", "pullover", 7)
    row, column = divmod(10_000 + 2 * 100 + 7, sheet.shape[1] // 28)
    tile = np.pad(sheet[row * 28 : row * 28 + 28, column * 28 : column * 28 + 28], 2)
    opaque = item.alpha == 255
    assert opaque.sum() > 200
    np.testing.assert_array_equal(item.grey[opaque], tile[opaque])
    assert not item.alpha[0].any() and not item.alpha[:, 0].any()
    assert not item.alpha[tile == 0][np.flatnonzero(~_filled(tile)[tile == 0])].any()


def _filled(tile: np.ndarray) -> np.ndarray:
    """Whatever black cannot be reached from the corner belongs to the garment (flood fill, by hand)."""
    outside = np.zeros(tile.shape, bool)
    todo = [(0, 0)]
    while todo:
        y, x = todo.pop()
        if 0 <= y < tile.shape[0] and 0 <= x < tile.shape[1] and not outside[y, x] and tile[y, x] <= 12:
            outside[y, x] = True
            todo += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return ~outside


def test_licence_is_vendored_with_the_garments():
    text = (ASSETS / "LICENSE-fashion-mnist.txt").read_text()
    assert "2017, Zalando SE" in text
    assert "Permission is hereby granted, free of charge" in text
    assert "THE SOFTWARE IS PROVIDED" in text


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_vendored_files_are_what_the_script_makes():
    script = Path(__file__).parents[2] / "tools" / "vendor_garments.py"
    copyright_file = "/usr/share/doc/dataset-fashion-mnist/copyright"
    run = subprocess.run(
        [sys.executable, script, DEBIAN, copyright_file, "--check"],
        cwd=script.parents[1],
        env={"PYTHONPATH": str(script.parents[1])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
