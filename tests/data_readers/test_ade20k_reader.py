"""ADE20K: the official 150 classes, own classes, and every fault of a label map."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.registry import DATASETS
from PIL import Image

import simmim_eval.compat  # noqa: F401
from simmim_eval.data import LoadLabelMap, read_label_map
from simmim_eval.errors import ConfigError, DataError

LOAD = [dict(type="simmim_eval.LoadImage"), dict(type="simmim_eval.LoadLabelMap")]
PREFIX = dict(img_path="images/training", seg_map_path="annotations/training")
FIRST = "annotations/training/ADE_train_00000001.png"


def build(root, **options):
    config = dict(type="simmim_eval.ADE20K", data_root=str(root), data_prefix=PREFIX, pipeline=LOAD)
    return DATASETS.build(config | options)


@pytest.fixture
def copy(data_dir, tmp_path):
    return shutil.copytree(data_dir / "mini_ade20k", tmp_path / "ade")


def results_for(path, num_classes=150, reduced=True):
    return dict(seg_map_path=str(path), num_classes=num_classes, reduce_zero_label=reduced, seg_fields=[])


def test_official_layout(data_dir):
    from mmseg.datasets import ADE20KDataset

    dataset = build(data_dir / "mini_ade20k")
    assert dataset.metainfo["classes"] == ADE20KDataset.METAINFO["classes"]
    assert dataset.metainfo["palette"] == ADE20KDataset.METAINFO["palette"]
    assert len(dataset) == 2
    sample = dataset[0]
    assert sample["img"].shape == (48, 64, 3)
    # stored 0, 1, 75, 150 in columns of 16
    np.testing.assert_array_equal(sample["gt_seg_map"][0, ::16], [255, 0, 74, 149])


def test_demo_layout_with_own_classes(copy):
    values = np.array([[0, 1, 10, 11]], np.uint8).repeat(16, axis=1).repeat(48, axis=0)
    for path in (copy / "annotations/training").iterdir():
        Image.fromarray(values).save(path)
    shutil.move(copy / "images/training", copy / "images/tuning")
    shutil.move(copy / "annotations/training", copy / "annotations/tuning")
    dataset = build(
        copy,
        metainfo=dict(classes=("background", *"abcdefghij")),
        data_prefix=dict(img_path="images/tuning", seg_map_path="annotations/tuning"),
    )
    assert len(dataset.metainfo["palette"]) == 11
    np.testing.assert_array_equal(dataset[1]["gt_seg_map"][0, ::16], [255, 0, 9, 10])


@given(st.data())
def test_equals_mmsegs_loader(tmp_path_factory, data):
    from mmseg.datasets.transforms import LoadAnnotations

    num_classes = data.draw(st.integers(1, 254))
    reduced = data.draw(st.booleans())
    allowed = [*range(num_classes + reduced), 255]
    values = data.draw(st.lists(st.sampled_from(allowed), min_size=2, max_size=40))  # mmseg squeezes 1
    path = tmp_path_factory.mktemp("map") / "map.png"
    Image.fromarray(np.array([values, values], np.uint8)).save(path)
    ours = LoadLabelMap()(results_for(path, num_classes, reduced))
    theirs = LoadAnnotations()(results_for(path, num_classes, reduced))
    np.testing.assert_array_equal(ours["gt_seg_map"], theirs["gt_seg_map"])
    assert ours["gt_seg_map"].dtype == theirs["gt_seg_map"].dtype
    assert ours["seg_fields"] == theirs["seg_fields"]


@pytest.mark.parametrize(
    ("reduced", "value", "words"),
    [
        (True, 151, "value 151; with 150 classes allowed are 1 to 150, 0 or 255"),
        (True, 254, "value 254"),
        (False, 150, r"value 150; .* 0 to 149, or 255 .*set reduce_zero_label=True"),
        (False, 200, "value 200; .*Correct the map, or the classes"),
    ],
)
def test_value_out_of_range(reduced, value, words, copy):
    values = np.zeros((48, 64), np.uint8)
    values[20, 30] = value
    Image.fromarray(values).save(copy / FIRST)
    with pytest.raises(DataError, match=words) as caught:
        build(copy, reduce_zero_label=reduced)[0]
    assert str(copy / FIRST) in str(caught.value)


def test_sixteen_bit_values_are_not_cut_to_eight(tmp_path):
    Image.fromarray(np.full((4, 4), 257, np.uint16)).save(tmp_path / "map.png")
    with pytest.raises(DataError, match="value 257"):
        LoadLabelMap()(results_for(tmp_path / "map.png"))


def test_palette_gives_indices(tmp_path):
    image = Image.fromarray(np.array([[0, 3], [7, 150]], np.uint8)).convert("P")
    image.putpalette(list(range(256)) * 3)
    image.save(tmp_path / "map.png")
    np.testing.assert_array_equal(read_label_map(tmp_path / "map.png"), [[0, 3], [7, 150]])


def test_colours_are_not_labels(copy):
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(copy / FIRST)
    with pytest.raises(DataError, match=r"00000001\.png: mode RGB holds colours, not class numbers"):
        build(copy)[0]


def test_size_unlike_the_image(copy):
    Image.fromarray(np.zeros((64, 48), np.uint8)).save(copy / FIRST)
    with pytest.raises(DataError, match=r"00000001\.png: is 64 x 48 .* is 48 x 64"):
        build(copy)[0]


def test_size_is_that_before_resizing(data_dir):
    resized = [LOAD[0], dict(type="mmseg.Resize", scale=(32, 24)), LOAD[1]]
    sample = build(data_dir / "mini_ade20k", pipeline=resized)[0]
    assert sample["img"].shape[:2] == (24, 32) and sample["gt_seg_map"].shape == (48, 64)


def test_truncated_label_map(copy):
    (copy / FIRST).write_bytes((copy / FIRST).read_bytes()[:60])
    with pytest.raises(DataError, match=str(copy / FIRST)):
        build(copy)[0]


def test_image_without_label_map(copy):
    (copy / FIRST).unlink()
    with pytest.raises(DataError, match=r"1 of 2 files are absent, the first is .*00000001\.png"):
        build(copy)


def test_absent_and_empty_folders(copy):
    with pytest.raises(DataError, match=r"nowhere/images/training: no such folder\. Expected images/<split>"):
        build(copy / "nowhere")
    for image in (copy / "images/training").iterdir():
        image.rename(image.with_suffix(".jpeg"))
    with pytest.raises(DataError, match=r"holds no image named \*\.jpg"):
        build(copy)
    shutil.rmtree(copy / "annotations")
    with pytest.raises(DataError, match="annotations/training: no such folder"):
        build(copy)


def test_absent_prefix_and_a_foreign_data_set(tmp_path):
    with pytest.raises(ConfigError, match="data_prefix has no 'seg_map_path'"):
        build(tmp_path, data_prefix=dict(img_path=""))
    with pytest.raises(ConfigError, match=r"Use simmim_eval\.ADE20K"):
        LoadLabelMap()({"seg_map_path": "map.png"})
