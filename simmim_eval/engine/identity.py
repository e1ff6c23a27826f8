"""What of a recipe enters the identity of a run: protocol, budget, init profile, backbone."""

import math
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from simmim_eval.engine.recipe import rebase
from simmim_eval.errors import ConfigError, DataError
from simmim_eval.files import sha256_text
from simmim_eval.records import BackboneSpec, Budget, InitProfile, canonical_json

__all__ = [
    "backbone_spec",
    "budget",
    "build_datasets",
    "evaluation_digest",
    "init_profile",
    "precision",
    "recipe_digest",
]

TRAINING_KEYS = ("model", "train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler", "custom_hooks")
EVALUATION_KEYS = ("test_dataloader", "test_evaluator", "test_cfg")
NOT_THE_RECIPE = ("num_workers", "persistent_workers", "pin_memory", "prefetch_factor", "init_cfg", "_scope_")
PROFILE_KEYS = ("lr", "weight_decay", "layer_decay", "mean", "std", "frozen_stages", "norm_eval", "window_size")
NOT_THE_ARCHITECTURE = ("type", "init_cfg", "frozen_stages", "norm_eval", "with_cp", "out_indices", "drop_path_rate")


def recipe_digest(config: Config) -> str:
    """SHA-256 of how a recipe trains, without initialisation, its profile, seed, paths and workers."""
    return _digest(config, TRAINING_KEYS, NOT_THE_RECIPE + PROFILE_KEYS)


def evaluation_digest(config: Config) -> str:
    """SHA-256 of how a recipe evaluates."""
    return _digest(config, EVALUATION_KEYS, NOT_THE_RECIPE)


def init_profile(config: Config, windows: tuple[int, ...] | None) -> InitProfile:
    """The settings that may follow an initialisation; ``windows`` of each stage as the backbone was built."""
    optimizer = config.optim_wrapper.optimizer
    preprocessor = config.model.data_preprocessor
    backbone = config.model.backbone
    return InitProfile(
        normalisation=f"mean {_numbers(preprocessor.mean)}, std {_numbers(preprocessor.std)}",
        frozen_stages=backbone.get("frozen_stages", -1),
        norm_eval=backbone.get("norm_eval", False),
        window_size=windows,
        base_lr=optimizer.lr,
        layer_decay=config.optim_wrapper.get("paramwise_cfg", {}).get("layer_decay"),
        weight_decay=optimizer.get("weight_decay", 0.0),
    )


def build_datasets(config: Config) -> tuple[Any, Any]:
    """The training set and the evaluated one.

    Raises:
        DataError: A file is missing or broken, or the two number different classes.
    """
    init_default_scope(config.get("default_scope", "mmengine"))
    train_set, test_set = (DATASETS.build(config[loader].dataset) for loader in ("train_dataloader", "test_dataloader"))
    classes = [tuple(dataset.metainfo.get("classes") or ()) for dataset in (train_set, test_set)]
    if classes[0] != classes[1]:
        odd = sorted(set(classes[0]) ^ set(classes[1])) or ["their order"]
        raise DataError(
            f"{config.data_root}: training and evaluated split differ in their classes ({', '.join(odd[:5])}). "
            "Labels are numbered by the classes of a split: give both the same."
        )
    return train_set, test_set


def budget(config: Config, recipe: str, num_train: int) -> Budget:
    """What the run may spend, on a training set of ``num_train`` samples.

    Raises:
        ConfigError: ``train_cfg`` says neither ``max_iters`` nor ``max_epochs``, or a count is none.
    """
    batch_size = _count(config, "train_dataloader.batch_size")
    accumulated = config.optim_wrapper.get("accumulative_counts", 1)
    if "max_iters" in config.train_cfg:
        forward_passes = _count(config, "train_cfg.max_iters")
    elif "max_epochs" in config.train_cfg:
        passes = num_train / batch_size
        drop_last = config.train_dataloader.get("drop_last", False)
        forward_passes = _count(config, "train_cfg.max_epochs") * (
            math.floor(passes) if drop_last else math.ceil(passes)
        )
    else:
        raise ConfigError("train_cfg: says neither max_iters nor max_epochs. Set one.")
    resolution = config.resolution
    return Budget(
        images_seen=forward_passes * batch_size,
        iterations=forward_passes // accumulated,
        batch_size=batch_size * accumulated,
        resolution=tuple(resolution) if isinstance(resolution, list | tuple) else resolution,
        tuning_trials=config.get("tuning_trials", 0),
        recipe=recipe,
    )


def backbone_spec(config: Config) -> BackboneSpec:
    """The backbone's registered name, and what fixes its architecture."""
    backbone = config.model.backbone
    arguments = {key: value for key, value in backbone.to_dict().items() if key not in NOT_THE_ARCHITECTURE}
    return BackboneSpec(name=backbone.type, arch=canonical_json(arguments))


def precision(config: Config) -> str:
    """``fp32``, or ``amp-`` and the narrow type."""
    wrapper = config.optim_wrapper
    return f"amp-{wrapper.get('dtype', 'float16')}" if wrapper.get("type", "").startswith("Amp") else "fp32"


def _count(config: Config, field: str) -> int:
    section, name = field.split(".")
    value = config[section][name]
    if type(value) is not int or value < 1:
        raise ConfigError(f"{field} is {value!r}; expected a whole number from 1. Correct it.")
    return value


def _digest(config: Config, keys: tuple[str, ...], without: tuple[str, ...]) -> str:
    plain = config._cfg_dict.to_dict()
    chosen = {key: _without(plain[key], without) for key in keys if key in plain}
    return sha256_text(canonical_json(rebase(chosen, config.data_root, "")))


def _without(node: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(node, Mapping):
        return {key: _without(value, keys) for key, value in node.items() if key not in keys}
    if isinstance(node, list | tuple):
        return [_without(value, keys) for value in node]
    return node


def _numbers(values: Any) -> str:
    return " ".join(f"{value:g}" for value in values)
