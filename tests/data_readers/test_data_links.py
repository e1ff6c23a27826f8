"""Symbolic links in the data: followed, but never round; and names that no list can hold."""

import os
import shutil

import pytest
from mmengine.registry import DATASETS

import simmim_eval.compat  # noqa: F401
from simmim_eval.data import ImageNet, data_fingerprint
from simmim_eval.data.layout import walk_files
from simmim_eval.errors import DataError


@pytest.fixture
def imagenet(data_dir, tmp_path):
    return shutil.copytree(data_dir / "mini_imagenet", tmp_path / "imagenet")


@pytest.mark.parametrize("place", ["train", "train/n01440764"])
@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_loop_is_named_before_a_run(place, target, imagenet):
    for name in ("round", "again"):  # two ways round: following them would take 2^40 steps
        (imagenet / place / name).symlink_to(target)
    with pytest.raises(DataError, match=rf"{place}/again: cannot be read to an end, the link leads") as caught:
        data_fingerprint(imagenet, ["train"])
    assert caught.value.kind == "link-loop"
    with pytest.raises(DataError, match="again"):
        ImageNet(imagenet, "train")


def test_links_that_point_at_each_other(imagenet):
    (imagenet / "train" / "a").symlink_to("b")
    (imagenet / "train" / "b").symlink_to("a")
    with pytest.raises(DataError, match=r"train/a: cannot be read, the symbolic link leads nowhere \(Too many levels"):
        data_fingerprint(imagenet, ["train"])
    assert len(ImageNet(imagenet, "train")) == 4


def test_loop_among_images_with_label_maps(data_dir, tmp_path):
    """mmseg would list the folders again and again."""
    root = shutil.copytree(data_dir / "mini_ade20k", tmp_path / "ade")
    for name in ("round", "again"):
        (root / "images/training" / name).symlink_to(".")
    prefix = dict(img_path="images/training", seg_map_path="annotations/training")
    with pytest.raises(DataError, match="images/training/again: cannot be read to an end"):
        DATASETS.build(dict(type="simmim_eval.ADE20K", data_root=str(root), data_prefix=prefix, pipeline=[]))


def test_links_that_lead_elsewhere_are_followed_twice_if_need_be(imagenet, tmp_path):
    shutil.move(imagenet / "train", tmp_path / "elsewhere")
    for name in ("train", "once_more"):
        (imagenet / name).symlink_to(tmp_path / "elsewhere")
    assert len(list(walk_files(imagenet))) == 2 * 4 + 2


def test_walk_goes_on_beside_faults(imagenet):
    (imagenet / "train" / "loop").symlink_to("..")
    (imagenet / "val" / "gone.JPEG").symlink_to("nowhere")
    faults = []
    files = list(walk_files(imagenet, lambda path, fault: faults.append((path.name, fault.kind))))
    assert len(files) == 6 and sorted(faults) == [("gone.JPEG", "broken-link"), ("loop", "link-loop")]


def test_fingerprint_takes_names_that_are_not_utf8(imagenet):
    before = data_fingerprint(imagenet, ["train"])
    folder = os.fsencode(imagenet / "train" / "n01440764")
    os.rename(folder + b"/n01440764_18.JPEG", folder + b"/\xff.JPEG")
    assert data_fingerprint(imagenet, ["train"]) != before
