"""Images without a box, crowds only, classes that never occur: a detector learns the background, and no NaN."""

import json
import shutil

import pytest
from dense_recipe_case import bound, build, shrunk
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS

DETECTORS = [
    "detection/mask-rcnn-fpn_swin-tiny-w7_8xb2-1x_coco.py",
    "detection/mask-rcnn-fpn_resnet50_8xb2-3x_coco.py",
    "detection/cascade-mask-rcnn-fpn_swin-base-w7_8xb2-3x_coco.py",
    "detection/retinanet-fpn_swin-tiny-w7_8xb2-1x_coco.py",
    "detection/mask-rcnn-vitdet_vit-base-p16_16xb4-100e_coco-1024px.py",
]

QUICK = (DETECTORS[0], DETECTORS[3])


@pytest.fixture
def copy(data_dir, tmp_path):
    return shutil.copytree(data_dir / "mini_coco", tmp_path / "coco")


def rewrite(root, change):
    path = root / "annotations/instances_train2017.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def nothing(content):
    content["annotations"] = []


def nothing_in_the_first(content):
    content["annotations"] = content["annotations"][2:]


def crowds(content):
    for annotation in content["annotations"]:
        annotation["iscrowd"] = 1
        annotation["segmentation"] = dict(counts=[0, 64 * 40, 64 * 40], size=[64, 80])  # the left half, by columns


def batch(config):
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert len(dataset) == 2
    return pseudo_collate([dataset[0], dataset[1]])


def losses_of(model, data):
    prepared = model.data_preprocessor(data, True)
    losses = model.loss(prepared["inputs"], prepared["data_samples"])
    return {key: sum(value) if isinstance(value, list) else value for key, value in losses.items() if "loss" in key}


@pytest.mark.parametrize("change", [nothing, nothing_in_the_first, crowds])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in DETECTORS]
)
def test_a_step(name, change, copy):
    rewrite(copy, change)
    config = bound(shrunk(name), copy)
    config.train_dataloader.dataset.filter_cfg = None
    model = build(config).train()
    data = batch(config)
    boxes = [len(sample.gt_instances) for sample in data["data_samples"]]
    ignored = [len(sample.ignored_instances) for sample in data["data_samples"]]
    if change is nothing:
        assert boxes == ignored == [0, 0]
    elif change is crowds:
        assert boxes == [0, 0]
    else:
        assert boxes[0] == 0
    losses = losses_of(model, data)
    total = sum(losses.values())
    total.backward()
    assert total.isfinite() and total > 0  # the background is still learnt
    # each has a gradient, or distributed training would wait for it
    assert [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    if change is not nothing_in_the_first:
        assert all(value == 0 for key, value in losses.items() if "bbox" in key or "mask" in key)


def test_images_of_crowds_stay_and_images_of_nothing_go(copy):
    config = bound(shrunk(DETECTORS[0]), copy)
    build(config, "meta")  # the scope
    rewrite(copy, lambda content: (nothing_in_the_first(content), crowds(content)))
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert len(dataset) == 1
    sample = dataset[0]["data_samples"]
    assert len(sample.gt_instances) == 0 and len(sample.ignored_instances) == 2
