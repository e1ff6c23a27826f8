"""Label maps: pairs, sizes, range, and the offset of all labels seen in the histogram."""

import numpy as np
import pytest
from check_case import picture, write_map
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simmim_eval.data.check.ade20k import shift_of
from simmim_eval.errors import DataError

FIRST = "annotations/training/ADE_train_00000001.png"


@pytest.fixture
def ade(case):
    return case("ade20k")


def shift_maps(root, change):
    for path in root.rglob("*.png"):
        write_map(path, change(np.asarray(Image.open(path)).astype(int)))


def test_whole_set_is_clean(ade):
    report = ade.check()
    assert report.is_clean and not report.groups
    assert report.facts["labels of training (2 of 2 maps)"] == {"0": 1536, "1": 1536, "75": 1536, "150": 1536}


def test_official_counts(ade):
    (group,) = [group for group in ade.check(official=True).groups if group.kind == "count"]
    details = {finding.where: finding.detail for finding in group.findings}
    assert details["training images"] == "2 found, 20,210 in the official data"
    assert details["validation label maps"] == "1 found, 2,000 in the official data"


@pytest.mark.parametrize("full", [True, False])
def test_reduced_on_the_disk(full, ade):
    """What reduce_zero_label does in memory, written down: 0 is 255, all else one less."""
    shift_maps(ade.root, lambda values: (values - 1) % 256)
    (group,) = ade.check(full=full).groups
    assert group.kind == "shifted-down" and "reduce_zero_label=False" in group.mend
    assert [finding.where for finding in group.findings] == ["training", "validation"]
    assert "255 occurs, 150 does not (highest: 149), 0 has 25 %" in group.findings[0].detail


def test_one_more_on_the_disk(ade):
    shift_maps(ade.root, lambda values: values + 1)
    (group,) = ade.check().groups
    assert group.kind == "shifted-up" and "the highest value is 151" in group.findings[0].detail


def test_only_one_split_is_shifted(ade):
    shift_maps(ade.root / "annotations" / "validation", lambda values: (values - 1) % 256)
    assert ade.kinds() == {"shifted-down": ["validation"]}


def test_some_maps_are_shifted(ade):
    path = ade.root / FIRST
    write_map(path, (np.asarray(Image.open(path)).astype(int) - 1) % 256)
    assert ade.kinds(notes=True) == {"ignored-label": ["training"]}


def test_saturated_shift_shows_in_many_maps():
    """Numbers of pixels as in ADE20K: wall, building, sky most, some unlabelled; 0 and 1 then fall together."""
    pixels = {0: 80, 1: 160, 2: 110, 3: 90} | {value: 40 for value in range(4, 151)}
    saturated = {0: 240} | {value - 1: count for value, count in pixels.items() if value > 1}
    assert shift_of(pixels, 150, 1000)[0] == 0
    assert shift_of(saturated, 150, 1000)[0] == -1
    assert shift_of(saturated, 150, 3)[0] == 0  # three maps may well lack the last class


@given(
    st.dictionaries(st.integers(1, 149), st.integers(1, 10**6)), st.integers(1, 10**6), st.integers(1, 10**6),
    st.integers(-1, 1),
)  # fmt: skip
def test_every_shift_of_maps_with_first_and_last_value_is_seen(classes, zeros, last, shift):
    pixels = {0: zeros, 1: 1, **classes, 150: last}
    moved = {(value + shift) % 256: count for value, count in pixels.items()}
    assert shift_of(moved, 150)[0] == shift


def test_value_out_of_range_is_of_a_file_not_a_shift(ade):
    values = np.asarray(Image.open(ade.root / FIRST)).copy()
    values[0, 0] = 151
    write_map(ade.root / FIRST, values)
    assert ade.kinds() == {"label-range": [FIRST]}


def test_no_pixel_is_zero(ade):
    shift_maps(ade.root, lambda values: np.maximum(values, 1))
    report = ade.check()
    assert report.is_clean and [group.kind for group in report.groups] == ["no-zero"]


def other_size(root):
    write_map(root / FIRST, np.zeros((64, 48)))


def coloured(root):
    picture(48, 64).save(root / FIRST)


def cut(root):
    (root / FIRST).write_bytes((root / FIRST).read_bytes()[:60])


@pytest.mark.parametrize(
    ("damage", "kinds"), [(other_size, {"map-size"}), (coloured, {"coloured-map"}), (cut, {"truncated", "damaged"})]
)
def test_damaged_map(damage, kinds, ade):
    damage(ade.root)
    ((kind, places),) = ade.kinds().items()
    assert kind in kinds and places == [FIRST]


def test_pairs(ade):
    (ade.root / FIRST).unlink()
    (ade.root / "images/validation/ADE_val_00000001.jpg").unlink()
    assert ade.kinds(notes=True) == {
        "no-map": ["images/training/ADE_train_00000001.jpg"],
        "no-image": ["annotations/validation/ADE_val_00000001.png"],
    }


def test_own_set_has_its_own_labels(ade):
    """Not named as ADE20K's: nothing is known of its classes, so the histogram is only told."""
    for path in list(ade.root.rglob("ADE_*")):
        path.rename(path.with_name(path.name.removeprefix("ADE_")))
    for folder in ("images", "annotations"):
        (ade.root / folder / "training").rename(ade.root / folder / "spring")
    shift_maps(ade.root, lambda values: values % 7 + 200)
    report = ade.check()
    assert report.is_clean and not report.groups
    assert report.facts["labels of spring (2 of 2 maps)"].keys() == {"200", "201", "205", "203"}


def test_a_quick_check_reads_some_maps(ade, monkeypatch):
    from simmim_eval.data.check import ade20k as module

    monkeypatch.setattr(module, "SAMPLE", 1)
    report = ade.check(full=False)
    assert "labels of training (1 of 2 maps)" in report.facts and report.examined == 2


def test_folder_above(ade, tmp_path):
    inner = ade.root.rename(ade.root.with_name("ADEChallengeData2016"))
    ade.root = inner.parent
    with pytest.raises(DataError, match=r"images: no such folder.*Give .*ADEChallengeData2016"):
        ade.check(cache=tmp_path.with_name("results.sqlite"))
