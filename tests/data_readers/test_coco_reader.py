"""COCO instances: the official 80 of 90 ids, a small file, and every fault of an annotation file."""

import json
import shutil

import numpy as np
import pytest
from mmengine.registry import DATASETS

from simmim_eval.data.coco_annotations import read_instances
from simmim_eval.errors import ConfigError, DataError

ANNOTATIONS = "annotations/instances_train2017.json"


def build(root, **options):
    config = dict(
        type="simmim_eval.Coco",
        data_root=str(root),
        ann_file=ANNOTATIONS,
        data_prefix=dict(img="train2017/"),
        pipeline=[dict(type="simmim_eval.LoadImage")],
    )
    return DATASETS.build(config | options)


@pytest.fixture
def copy(data_dir, tmp_path):
    return shutil.copytree(data_dir / "mini_coco", tmp_path / "coco")


def rewrite(root, change):
    content = json.loads((root / ANNOTATIONS).read_text())
    change(content)
    (root / ANNOTATIONS).write_text(json.dumps(content))


def test_official_layout_equals_mmdets_reading(data_dir):
    ours = build(data_dir / "mini_coco")
    from mmdet.datasets import CocoDataset

    theirs = CocoDataset(
        data_root=str(data_dir / "mini_coco"), ann_file=ANNOTATIONS, data_prefix=dict(img="train2017/")
    )
    assert ours.metainfo["classes"] == theirs.metainfo["classes"]
    assert ours.cat2label == theirs.cat2label
    assert [ours.get_data_info(i) for i in range(2)] == [theirs.get_data_info(i) for i in range(2)]


def test_ids_with_gaps_become_consecutive_labels(data_dir):
    dataset = build(data_dir / "mini_coco")
    labels = [[instance["bbox_label"] for instance in dataset[i]["instances"]] for i in range(2)]
    # ids 1 and 90; then 13 (after the gap at 12) and 72 (after the gaps 12, 26, 29, 30, 45, 66, 68, 69, 71)
    assert labels == [[0, 79], [11, 62]]
    assert [dataset.metainfo["classes"][i] for i in (0, 11, 62, 79)] == ["person", "stop sign", "tv", "toothbrush"]
    assert dataset[0]["img"].shape == (64, 80, 3)


def test_demo_layout_takes_its_ten_classes_from_the_file(copy):
    names = ["trouser", "dress", "sandal", "shirt", "bag", "tshirt", "pullover", "coat", "sneaker", "boot"]

    def ten(content):
        content["categories"] = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
        for place, annotation in enumerate(content["annotations"]):
            annotation["category_id"] = 10 - place

    rewrite(copy, ten)
    dataset = build(copy)
    assert dataset.metainfo["classes"] == tuple(names)
    assert [instance["bbox_label"] for instance in dataset[0]["instances"]] == [9, 8]


def test_chosen_classes_keep_the_order_of_the_file(data_dir):
    dataset = build(data_dir / "mini_coco", metainfo=dict(classes=("toothbrush", "person")))
    assert dataset.metainfo["classes"] == ("person", "toothbrush")
    assert dataset.cat2label == {1: 0, 90: 1}


def test_mmdets_filter_still_works(copy):
    rewrite(copy, lambda content: content["annotations"].__delitem__(slice(2, None)))
    assert len(build(copy)) == 2
    assert len(build(copy, filter_cfg=dict(filter_empty_gt=True))) == 1


def set_in(kind, field, value):
    return lambda content: content[kind][1].__setitem__(field, value)


def drop_in(kind, field):
    return lambda content: content[kind][1].__delitem__(field)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_in("annotations", "category_id", 12), r"annotation 9001 has category_id 12, .* 80 categories"),
        (set_in("annotations", "category_id", 91), r"annotation 9001 has category_id 91, .*\(ids 1 to 90\)"),
        (set_in("annotations", "image_id", 77), r"annotation 9001 has image_id 77, .* 2 images \(ids 9 to 10\)"),
        (set_in("annotations", "id", 9000), r"annotations\[1\] \(id 9000\): the id stands twice"),
        (set_in("annotations", "bbox", [1, 2, 3]), r"annotation 9001 has bbox \[1, 2, 3\]; expected \[x, y"),
        (drop_in("annotations", "bbox"), r"annotations\[1\] \(id 9001\) has no 'bbox'"),
        (drop_in("images", "file_name"), r"images\[1\] \(id 10\) has no 'file_name'"),
        (drop_in("categories", "id"), r"categories\[1\] has no 'id'"),
        (lambda content: content.pop("annotations"), "'annotations' is missing"),
        (lambda content: content.update(categories={}), "'categories' must be a list, is dict"),
        (lambda content: content.update(images=[]), "'images' is empty"),
        (set_in("images", "file_name", "no.jpg"), r"images: 1 of 2 files are absent, the first is .*train2017/no\.jpg"),
    ],
)
def test_fault_names_file_and_entry(change, words, copy):
    rewrite(copy, change)
    with pytest.raises(DataError, match=words) as caught:
        build(copy)
    assert str(copy / ANNOTATIONS) in str(caught.value)


def test_how_many_annotations_have_the_fault(copy):
    rewrite(copy, lambda content: [row.update(category_id=100) for row in content["annotations"]])
    with pytest.raises(DataError, match=r"\(4 annotations have this fault\)"):
        build(copy)


@pytest.mark.parametrize(("text", "words"), [('{"images": [', "is not JSON"), ("[]", "holds a list"), ("\xff", "JSON")])
def test_not_an_annotation_file(text, words, tmp_path):
    path = tmp_path / "instances.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=words) as caught:
        read_instances(path)
    assert str(path) in str(caught.value)


def test_absent_root_and_absent_images(copy):
    with pytest.raises(DataError, match=r"nowhere/annotations.*: no such file.*Correct data_root"):
        build(copy / "nowhere")
    shutil.rmtree(copy / "train2017")
    with pytest.raises(DataError, match="2 of 2 files are absent"):
        build(copy)


def test_unknown_class_and_absent_prefix(data_dir):
    with pytest.raises(DataError, match="has no category 'persn'; did you mean person"):
        build(data_dir / "mini_coco", metainfo=dict(classes=("persn",)))
    with pytest.raises(ConfigError, match="data_prefix has no 'img'"):
        build(data_dir / "mini_coco", data_prefix=dict(img_path="train2017"))


def test_loaded_image_goes_through_mmdets_pipeline(data_dir):
    pipeline = [
        dict(type="simmim_eval.LoadImage"),
        dict(type="mmdet.LoadAnnotations", with_bbox=True, with_mask=True),
        dict(type="mmdet.Resize", scale=(40, 32), keep_ratio=True),
        dict(type="mmdet.PackDetInputs"),
    ]
    sample = build(data_dir / "mini_coco", pipeline=pipeline)[0]
    assert tuple(sample["inputs"].shape) == (3, 32, 40)
    instances = sample["data_samples"].gt_instances
    np.testing.assert_allclose(instances.bboxes.tensor[1], [24, 4, 36, 20])
    assert instances.masks.masks.sum(axis=(1, 2)).tolist() == [12 * 16, 12 * 16]
