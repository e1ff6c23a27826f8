"""The readers of the official layouts read the demo's data, every item of it."""

import numpy as np
import pytest
from mmengine.registry import DATASETS

from simmim_eval.data.demo import make_demo

LOAD_IMAGE = dict(type="simmim_eval.LoadImage")
CONFIGS = {
    "imagenet_base": dict(type="simmim_eval.ImageNet", split="train", pipeline=[LOAD_IMAGE]),
    "imagenet": dict(type="simmim_eval.ImageNet", split="tune", pipeline=[LOAD_IMAGE]),
    "coco": dict(
        type="simmim_eval.Coco",
        ann_file="annotations/instances_train2017.json",
        data_prefix=dict(img="train2017"),
        pipeline=[LOAD_IMAGE, dict(type="mmdet.LoadAnnotations", with_bbox=True, with_mask=True)],
    ),
    "ade": dict(
        type="simmim_eval.ADE20K",
        metainfo=dict(classes=["background", *"abcdefghij"]),
        data_prefix=dict(img_path="images/tuning", seg_map_path="annotations/tuning"),
        pipeline=[LOAD_IMAGE, dict(type="simmim_eval.LoadLabelMap")],
    ),
    "kinetics": dict(
        type="simmim_eval.Kinetics",
        ann_file="kinetics400_val_list_videos.txt",
        data_prefix=dict(video="val"),
        num_classes=8,
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="mmaction.SampleFrames", clip_len=8, frame_interval=1, num_clips=1, test_mode=True),
            dict(type="simmim_eval.DecodeVideo"),
        ],
    ),
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "demo"
    make_demo(root, seed=0, scale=0.01, workers=1)
    return root


@pytest.fixture(scope="module")
def samples(demo):
    return {part: list(read(demo / part, config)) for part, config in CONFIGS.items()}


def read(root, config):
    dataset = DATASETS.build(config | dict(data_root=str(root)))
    return (dataset[number] for number in range(len(dataset)))


@pytest.mark.slow
def test_every_item_is_read(samples):
    shapes = {part: {np.shape(item.get("img", item.get("imgs"))) for item in items} for part, items in samples.items()}
    assert shapes == {
        "imagenet_base": {(56, 56, 3)},
        "imagenet": {(56, 56, 3)},
        "coco": {(128, 128, 3)},
        "ade": {(128, 128, 3)},
        "kinetics": {(8, 48, 48, 3)},
    }


@pytest.mark.slow
def test_labels_are_in_range(samples):
    assert {item["gt_label"] for item in samples["imagenet"]} == set(range(5))
    assert {item["label"] for item in samples["kinetics"]} == set(range(8))
    assert set(np.concatenate([item["gt_bboxes_labels"] for item in samples["coco"]])) <= set(range(10))
    assert all(len(item["gt_masks"]) == len(item["gt_bboxes"]) >= 1 for item in samples["coco"])
    assert set(np.unique([item["gt_seg_map"] for item in samples["ade"]])) <= {*range(11), 255}
