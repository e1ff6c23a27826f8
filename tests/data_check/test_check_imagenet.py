"""Class folders: every damage has its kind, and what the readers cope with is only told."""

import io
import os
import shutil

import pytest
from check_case import picture

from simmim_eval.errors import DataError

FIRST = "n01440764_18.JPEG"


@pytest.fixture
def imagenet(case):
    return case("imagenet")


def test_whole_set_is_clean(imagenet):
    report = imagenet.check()
    assert report.is_clean and not report.groups and not report.official
    counts = {count.what: (count.found, count.official) for count in report.counts}
    assert counts == {
        "train classes": (2, None),
        "train images": (4, None),
        "val classes": (2, None),
        "val images": (2, None),
    }
    assert report.facts["formats of train images"] == {"JPEG RGB": 4}


def test_counts_are_held_against_the_official_ones_if_asked(imagenet):
    report = imagenet.check(official=True)
    found = {finding.where: finding.detail for group in report.groups for finding in group.findings}
    assert found["train images"] == "4 found, 1,281,167 in the official data"
    assert found["val images"] == "2 found, 50,000 in the official data"
    assert found["val classes"] == "2 found, 1,000 in the official data"
    assert found["val/n01440764"] == "1, not 50" and found["train/n01440764"] == "2, not 732 to 1300"


def test_half_of_the_official_images_make_an_official_set(imagenet, monkeypatch):
    from simmim_eval.data.check import imagenet as module

    monkeypatch.setattr(module, "IMAGES", {"train": 8, "val": 50})
    assert imagenet.check().official and "count" in imagenet.kinds()
    assert not imagenet.check(official=False).official
    monkeypatch.setattr(module, "IMAGES", {"train": 9, "val": 50})
    assert not imagenet.check().official
    for split in ("train", "val"):
        (imagenet.root / split / "n01440764").rename(imagenet.root / split / "boot")
    monkeypatch.setattr(module, "IMAGES", {"train": 4, "val": 2})
    assert not imagenet.check().official  # names that are no WordNet ids are no ImageNet


def truncate(imagenet):
    path = imagenet.path(FIRST)
    path.write_bytes(path.read_bytes()[:-200])


def no_image(imagenet):
    imagenet.path(FIRST).write_bytes(b"<html>404</html>")


def empty_file(imagenet):
    imagenet.path(FIRST).write_bytes(b"")


def stray(imagenet):
    (imagenet.root / "train/n01440764/images.tar").write_bytes(b"tar")


def empty_class(imagenet):
    for path in (imagenet.root / "train/n01443537").iterdir():
        path.unlink()


def class_of_one_split(imagenet):
    shutil.rmtree(imagenet.root / "val/n01443537")


def flat(imagenet):
    for path in list((imagenet.root / "val").rglob("*.JPEG")):
        path.rename(imagenet.root / "val" / path.name)
    for path in list((imagenet.root / "val").glob("n*")):
        path.rmdir() if path.is_dir() else None


def dangling(imagenet):
    (imagenet.root / "train/n01440764/gone.JPEG").symlink_to("nowhere.JPEG")


def float_image(imagenet):
    from PIL import Image

    Image.new("F", (4, 4)).save(imagenet.path(FIRST), "TIFF")


@pytest.mark.parametrize(
    ("damage", "kind", "where", "in_quick"),
    [
        (truncate, "truncated", f"train/n01440764/{FIRST}", False),
        (no_image, "not-an-image", f"train/n01440764/{FIRST}", False),
        (float_image, "mode", f"train/n01440764/{FIRST}", False),
        (empty_file, "empty-file", f"train/n01440764/{FIRST}", True),
        (stray, "not-an-image", "train/n01440764/images.tar", True),
        (empty_class, "empty-class", "train/n01443537", True),
        (class_of_one_split, "classes-differ", "val/n01443537", True),
        (flat, "no-class", "val", True),
        (dangling, "broken-link", "train/n01440764/gone.JPEG", True),
    ],
)
def test_damage(damage, kind, where, in_quick, imagenet):
    damage(imagenet)
    assert imagenet.kinds()[kind] == [where]
    assert (kind in imagenet.kinds(full=False)) == in_quick


@pytest.mark.parametrize("target", ["..", ".", "../..", "../../val/../train"])
def test_link_that_leads_back(target, imagenet):
    link = imagenet.root / "train" / "n01440764" / "loop"
    link.symlink_to(target)
    assert imagenet.kinds() == {"link-loop": ["train/n01440764/loop"]}


def test_links_that_point_at_each_other_and_two_ways_round(imagenet):
    train = imagenet.root / "train"
    (train / "a").symlink_to("b")
    (train / "b").symlink_to("a")
    for name in ("c", "d"):  # each walk round would double
        (train / name).symlink_to(".")
    assert imagenet.kinds() == {"link-loop": [f"train/{name}" for name in "abcd"]}


def test_names_that_are_not_utf8_are_told_and_read(imagenet):
    image = imagenet.path(FIRST)
    os.rename(image, os.fsencode(image.parent) + b"/caf\xe9.JPEG")
    report = imagenet.check()
    (group,) = report.groups
    assert (group.kind, group.severity) == ("name-not-utf8", "note")
    assert group.findings[0].where == r"train/n01440764/caf\xe9.JPEG"
    assert report.facts["formats of train images"] == {"JPEG RGB": 4}


def test_odd_images_of_the_official_set_are_notes(imagenet):
    for number, (mode, kind) in enumerate([("CMYK", "JPEG"), ("L", "JPEG"), ("RGBA", "PNG"), ("P", "PNG")]):
        buffer = io.BytesIO()
        picture().convert(mode).save(buffer, kind)
        (imagenet.root / f"train/n01440764/odd_{number}.JPEG").write_bytes(buffer.getvalue())
    turned, exif = imagenet.root / "train/n01440764/turned.JPEG", picture().getexif()
    exif[0x0112] = 6
    picture().save(turned, exif=exif)
    report = imagenet.check()
    assert report.is_clean
    assert imagenet.kinds(notes=True) == {
        "wrong-suffix": ["train/n01440764/odd_2.JPEG", "train/n01440764/odd_3.JPEG"],
        "turned": ["train/n01440764/turned.JPEG"],
    }
    formats = {"JPEG RGB": 5, "JPEG CMYK": 1, "JPEG L": 1, "PNG RGBA": 1, "PNG P": 1}
    assert report.facts["formats of train images"] == formats


def test_root_of_a_split_and_no_root(imagenet, tmp_path):
    imagenet.root = imagenet.root / "train"
    with pytest.raises(DataError, match=r"is a split itself\. Give the folder above"):
        imagenet.check()
    imagenet.root = tmp_path / "nowhere"
    with pytest.raises(DataError, match="no such folder"):
        imagenet.check()
    imagenet.root.mkdir()
    with pytest.raises(DataError, match="holds no split"):
        imagenet.check()
