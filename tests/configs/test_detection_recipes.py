"""The COCO recipes: their values against mmdet's own files, their layers, one step of each on miniature data."""

import json

import pytest
import torch
from dense_recipe_case import build, meta_model, optimiser, recipe, recipes, run, shrunk
from mmengine.config import Config
from mmengine.utils import get_installed_path

from simmim_eval.weights import read_checkpoint

RECIPES = recipes("detection")
STOCK = {
    "mask-rcnn-fpn_resnet50_8xb2-1x_coco": "mask_rcnn/mask-rcnn_r50_fpn_1x_coco",
    "mask-rcnn-fpn_resnet50_8xb2-3x_coco": "mask_rcnn/mask-rcnn_r50_fpn_ms-poly-3x_coco",
    "mask-rcnn-fpn_swin-tiny-w7_8xb2-1x_coco": "swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco",
    "mask-rcnn-fpn_swin-tiny-w7_8xb2-3x_coco": "swin/mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco",
    "retinanet-fpn_resnet50_8xb2-1x_coco": "retinanet/retinanet_r50_fpn_1x_coco",
    "retinanet-fpn_swin-tiny-w7_8xb2-1x_coco": "swin/retinanet_swin-t-p4-w7_fpn_1x_coco",
}
SAME_MODEL = [name for name in STOCK if "mask-rcnn-fpn_resnet50" not in name]
# layer_decay ** (blocks + 1), from the table of worked values
STEM_SCALES = {
    "resnet50": 1.0,
    "mask-rcnn-fpn_swin-tiny": 0.2541866,
    "swin-base": 0.0717898,
    "retinanet-fpn_swin-tiny": 1.0,
    "vit-base": 0.0096889,
}


def stock(name):
    return Config.fromfile(f"{get_installed_path('mmdet')}/.mim/configs/{STOCK[name]}.py")


def plain(node):
    """Comparable, whatever is a tuple and whatever a list."""
    node = json.loads(json.dumps(node))
    if isinstance(node, dict):
        node.pop("_scope_", None)
    return node


def innermost(dataset):
    return innermost(dataset.dataset) if "dataset" in dataset else dataset


@pytest.mark.parametrize("name", STOCK)
def test_training_is_mmdets(name):
    ours, theirs = recipe(path_of(name)), stock(name)
    assert plain(ours.optim_wrapper.optimizer) == plain(theirs.optim_wrapper.optimizer)
    assert ours.optim_wrapper.type == theirs.optim_wrapper.type
    assert ours.auto_scale_lr.base_batch_size == theirs.auto_scale_lr.base_batch_size == 16
    repeats = theirs.train_dataloader.dataset.get("times", 1)
    assert ours.train_cfg.max_epochs == repeats * theirs.train_cfg.max_epochs
    schedule = plain(theirs.param_scheduler)
    schedule[1]["milestones"] = [repeats * milestone for milestone in schedule[1]["milestones"]]
    schedule[1]["end"] *= repeats
    assert plain(ours.param_scheduler) == schedule
    ours_set, theirs_set = ours.train_dataloader.dataset, innermost(theirs.train_dataloader.dataset)
    assert plain(ours_set.pipeline[2:]) == plain(theirs_set.pipeline[2:])
    masks = ("with_mask", "with_bbox", "poly2mask")
    assert [ours_set.pipeline[1].get(key) for key in masks] == [theirs_set.pipeline[1].get(key) for key in masks]
    assert ours_set.filter_cfg == theirs_set.filter_cfg
    assert ours.test_dataloader.dataset.pipeline[1] == theirs.test_dataloader.dataset.pipeline[1]


@pytest.mark.parametrize("name", SAME_MODEL)
def test_model_is_mmdets_but_for_the_backbones_code(name):
    ours, theirs = recipe(path_of(name)), stock(name)
    for part in ("backbone", "neck"):
        del ours.model[part]
        del theirs.model[part]
    assert plain(ours.model) == plain(theirs.model)


@pytest.mark.parametrize("name", [name for name in SAME_MODEL if "3x" not in name])
def test_model_is_as_large_as_mmdets(name):
    counts = [sum(p.numel() for p in model.parameters()) for model in (meta_model(path_of(name)), build(stock(name)))]
    # of ResNet's and Swin's stages neither gives a map that the pyramid leaves out
    assert counts[0] == counts[1]


def path_of(name):
    return f"detection/{name}.py"


# Swin's paper, table 2.
@pytest.mark.parametrize(
    ("name", "millions"),
    [("mask-rcnn-fpn_swin-tiny-w7_8xb2-1x_coco", 48), ("cascade-mask-rcnn-fpn_swin-base-w7_8xb2-3x_coco", 145)],
)
def test_published_sizes(name, millions):
    count = sum(p.numel() for p in meta_model(path_of(name)).parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.01)


def test_published_size_of_vitdet():
    """111 M in its paper, where the absolute positions are those of 14 x 14 cells and a class token."""
    parameters = dict(meta_model(path_of("mask-rcnn-vitdet_vit-base-p16_16xb4-100e_coco-1024px")).named_parameters())
    positions = parameters.pop("backbone.pos_embed")
    assert positions.shape == (1, 64 * 64, 768)
    count = sum(p.numel() for p in parameters.values()) + (14 * 14 + 1) * 768
    assert count / 1e6 == pytest.approx(111, rel=0.01)


@pytest.mark.parametrize("name", [name for name in RECIPES if "vitdet" in name])
def test_vitdet_at_its_size(name):
    model = meta_model(name)
    with torch.no_grad():
        levels = model.extract_feat(torch.empty(1, 3, 1024, 1024, device="meta"))
    assert [tuple(level.shape) for level in levels] == [(1, 256, side, side) for side in (256, 128, 64, 32, 16)]
    strides = model.rpn_head.prior_generator.strides
    assert [1024 // level.shape[-1] for level in levels] == [stride[0] for stride in strides]


@pytest.mark.parametrize("name", RECIPES)
def test_optimiser_at_the_stem_and_at_the_head(name):
    config = recipe(name)
    model = meta_model(name)
    groups = optimiser(config, model).param_groups
    stem = next(scale for key, scale in STEM_SCALES.items() if key in name)
    base = config.optim_wrapper.optimizer.lr
    rates = {id(p): group for group in groups for p in group["params"]}
    first = next(p for key, p in model.backbone.named_parameters() if "patch_embed" in key or "conv1" in key)
    last = next(p for key, p in model.named_parameters() if key.endswith("fc_cls.weight") or "retina_cls" in key)
    assert rates[id(first)]["lr"] == pytest.approx(base * stem, rel=1e-5)
    assert rates[id(last)]["lr"] == base
    assert rates[id(last)]["weight_decay"] == config.optim_wrapper.optimizer.weight_decay
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))  # nothing is frozen


@pytest.mark.parametrize("name", [name for name in RECIPES if "resnet50" in name])
def test_resnet_is_trained_whole_with_its_norms(name):
    model = build(shrunk(name)).train()
    norms = [module for module in model.backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms and all(norm.training for norm in norms)
    assert all(p.requires_grad for p in model.parameters())
    assert recipe(name).sync_bn == "torch"


# Swin-T and Swin-B are one model once they are small.
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if name.replace("tiny", "base") not in {*RECIPES} - {name}])
def test_one_step_and_one_evaluation(name, data_dir, tmp_path):
    record = run(shrunk(name), data_dir / "mini_coco", tmp_path)
    metrics = {metric.name: metric for metric in record.metrics}
    assert ("mask_ap" in metrics) == ("retinanet" not in name)
    assert record.protocol.num_samples == 2 and record.budget.images_seen == 2
    assert all(0 <= metric.value <= 100 for metric in record.metrics)
    state = read_checkpoint(tmp_path / "run" / "last.pth").state
    assert all(tensor.isfinite().all() for tensor in state.values())
