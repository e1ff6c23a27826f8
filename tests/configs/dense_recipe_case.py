"""Full-size recipes of dense tasks made small: narrow models, an eighth of every length, one step on miniature data."""

import copy
import importlib.resources
from functools import lru_cache
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS, init_default_scope

import simmim_eval.compat  # noqa: F401
from simmim_eval.engine.execute import execute
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest, prepare
from simmim_eval.engine.recipe import bind_data, find_config, load_recipe

CONFIGS = Path(str(importlib.resources.files("simmim_eval"))) / "configs"
EIGHTH = 8
LENGTHS = ("scale", "scales", "crop_size", "size", "stride", "pad_size_divisor", "img_size")
WIDTHS = ("in_channels", "out_channels", "channels", "feat_channels", "conv_out_channels", "fc_out_channels")
NARROW = 16
BACKBONES = {
    "simmim_eval.Swin": dict(arch=dict(embed_dim=16, depths=(1, 1, 2, 1), num_heads=(1, 2, 2, 4))),
    "simmim_eval.ResNet": dict(arch=dict(layers=(1, 1, 1, 1), base_channels=4), depth=None),
    "simmim_eval.ViT": dict(arch=dict(embed_dim=32, depth=12, num_heads=2)),
}
FEWER = dict(num=16, nms_pre=40, max_per_img=10)


def recipes(folder):
    """Names of the full-size recipes in ``configs/<folder>``."""
    paths = (CONFIGS / folder).glob("*.py")
    return sorted(f"{folder}/{path.name}" for path in paths if "demo" not in path.name)


@lru_cache
def _read(name):
    return load_recipe(find_config(name), {})


def recipe(name):
    return copy.deepcopy(_read(name))


@lru_cache
def meta_model(name):
    """The full-size model without weights; nothing changes it."""
    return build(recipe(name), "meta")


def build(config, device="cpu"):
    """The model, under the recipe's scope."""
    init_default_scope(config.default_scope)
    with torch.device(device):
        return MODELS.build(copy.deepcopy(config.model))


def optimiser(config, model):
    """The recipe's optimiser over a model on any device; mixed precision insists on a GPU."""
    wrapper = {key: value for key, value in config.optim_wrapper.items() if key in ("optimizer", "clip_grad")}
    constructor = dict(
        type=config.optim_wrapper.constructor,
        optim_wrapper_cfg=dict(wrapper, type="OptimWrapper"),
        paramwise_cfg=config.optim_wrapper.paramwise_cfg,
    )
    return OPTIM_WRAPPER_CONSTRUCTORS.build(constructor)(model).optimizer


def shrunk(name):
    """A recipe's config with everything in its place and small."""
    config = recipe(name).to_dict()
    config["model"] = _walk(config["model"], _narrow)
    for part in ("train_dataloader", "test_dataloader"):
        config[part]["dataset"] = _walk(config[part]["dataset"], _short)
        config[part].update(num_workers=0, persistent_workers=False)
    backbone = config["model"]["backbone"]
    backbone.update(BACKBONES[backbone["type"]])
    config["model"]["data_preprocessor"] = _walk(config["model"]["data_preprocessor"], _short)
    config["model"]["backbone"] = _walk(backbone, _short)
    config["model"]["test_cfg"] = _walk(config["model"]["test_cfg"], _short)
    config["train_dataloader"]["batch_size"] = config["auto_scale_lr"]["base_batch_size"] = 2
    length = "max_iters" if config["train_cfg"]["type"] == "IterBasedTrainLoop" else "max_epochs"
    config["train_cfg"][length] = 1
    if config["optim_wrapper"]["type"] == "AmpOptimWrapper":
        config["optim_wrapper"]["dtype"] = "bfloat16"
    config = Config(config)
    _fit_channels(config.model, build(Config(dict(config, model=backbone))).channels)
    return config


def run(config, data_root, folder):
    """Train one step and evaluate, by the package's own engine; the record."""
    path = Path(folder) / "recipe.py"
    config.dump(path)
    prepared = prepare(RunRequest(str(path), InitSource("random"), Path(data_root)))
    return execute(prepared, Path(folder) / "run", Path(folder))


def bound(config, data_root):
    """The config with its paths under ``data_root``."""
    config = copy.deepcopy(config)
    bind_data(config, Path(data_root), "val")
    return config


def _walk(node, change):
    if isinstance(node, dict):
        return {key: change(key, _walk(value, change)) for key, value in node.items()}
    return type(node)(_walk(value, change) for value in node) if isinstance(node, list | tuple) else node


def _narrow(key, value):
    if key in FEWER:
        return min(value, FEWER[key])
    return NARROW if key in WIDTHS and isinstance(value, int) else value


def _short(key, value):
    return _divided(value) if key in LENGTHS else value


def _divided(value):
    if isinstance(value, list | tuple):
        return type(value)(_divided(one) for one in value)
    return value // EIGHTH if isinstance(value, int) and value >= 200 else value


def _fit_channels(model, channels):
    neck = model.get("neck")
    if neck is None:
        model.decode_head.in_channels = list(channels)
        model.auxiliary_head.in_channels = channels[2]
    elif neck.type == "Feature2Pyramid":
        neck.embed_dim = channels[0]
        model.decode_head.in_channels = list(channels)
        model.auxiliary_head.in_channels = channels[2]
    else:
        neck.in_channels = list(channels) if neck.type == "FPN" else channels[0]
