"""What of a recipe enters the identity of a run: protocol, budget, init profile, backbone."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from simmim_eval.engine.batch import effective_batch, num_steps
from simmim_eval.engine.plug import backbone_config
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
    "recipe_digest",
]

TRAINING_KEYS = (
    "model",
    "train_dataloader",
    "train_cfg",
    "optim_wrapper",
    "param_scheduler",
    "custom_hooks",
    "sync_bn",
)
EVALUATION_KEYS = ("test_dataloader", "test_evaluator", "test_cfg")
NOT_THE_RECIPE = ("num_workers", "persistent_workers", "pin_memory", "prefetch_factor", "init_cfg", "_scope_")
HOW_IT_IS_SHARED = (("train_dataloader", "batch_size"), ("optim_wrapper", "accumulative_counts"))
PROFILE_KEYS = ("lr", "weight_decay", "layer_decay", "mean", "std", "frozen_stages", "norm_eval", "window_size")
NOT_THE_ARCHITECTURE = ("type", "init_cfg", "frozen_stages", "norm_eval", "with_cp", "out_indices", "drop_path_rate")


def recipe_digest(config: Config) -> str:
    """SHA-256 of how a recipe trains, without initialisation, its profile, seed, paths, workers and micro-batches."""
    return _digest(config, TRAINING_KEYS, NOT_THE_RECIPE + PROFILE_KEYS)


def evaluation_digest(config: Config) -> str:
    """SHA-256 of how a recipe evaluates."""
    return _digest(config, EVALUATION_KEYS, NOT_THE_RECIPE)


def init_profile(config: Config, windows: tuple[int, ...] | None, decay_rule: str | None = None) -> InitProfile:
    """The settings that may follow an initialisation; ``windows`` and ``decay_rule`` are the built backbone's.

    Raises:
        ConfigError: The optimiser states no ``lr``, or a setting is not of its kind.
    """
    optimizer = config.optim_wrapper.get("optimizer") or {}
    rates: dict[str, Any] = {"lr": optimizer.get("lr"), "weight_decay": optimizer.get("weight_decay", 0.0)}
    for name, value in rates.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"optim_wrapper.optimizer.{name} is {value!r}; expected a number. Set it.")
    preprocessor = config.model.get("data_preprocessor") or config.get("data_preprocessor") or {}
    mean, std = preprocessor.get("mean"), preprocessor.get("std")
    normalised = mean is not None and std is not None
    frozen_stages = backbone_config(config).get("frozen_stages")
    return InitProfile(
        normalisation=f"mean {_numbers(mean)}, std {_numbers(std)}" if normalised else "none",
        frozen_stages=-1 if frozen_stages is None else frozen_stages,
        norm_eval=backbone_config(config).get("norm_eval", False),
        window_size=windows,
        base_lr=rates["lr"],
        layer_decay=(config.optim_wrapper.get("paramwise_cfg") or {}).get("layer_decay"),
        weight_decay=rates["weight_decay"],
        decay_rule=decay_rule,
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
    """What the run may spend, on a training set of ``num_train`` samples, by whatever number of processes.

    Raises:
        ConfigError: A count is none, or the loop or the batch is not one that a run can have.
    """
    iterations, batch_size = num_steps(config, num_train), effective_batch(config)
    resolution = config.resolution
    return Budget(
        images_seen=iterations * batch_size,
        iterations=iterations,
        batch_size=batch_size,
        resolution=tuple(resolution) if isinstance(resolution, list | tuple) else resolution,
        tuning_trials=config.get("tuning_trials", 0),
        recipe=recipe,
    )


def backbone_spec(config: Config) -> BackboneSpec:
    """The backbone's registered name, and what fixes its architecture."""
    backbone = backbone_config(config)
    arguments = {key: value for key, value in backbone.to_dict().items() if key not in NOT_THE_ARCHITECTURE}
    return BackboneSpec(name=backbone.type, arch=canonical_json(arguments))


def _digest(config: Config, keys: tuple[str, ...], without: tuple[str, ...]) -> str:
    plain = config._cfg_dict.to_dict()
    chosen = {key: _without(plain[key], without) for key in keys if key in plain}
    for section, name in HOW_IT_IS_SHARED:
        chosen.get(section, {}).pop(name, None)
    return sha256_text(canonical_json(rebase(chosen, config.data_root, "")))


def _without(node: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(node, Mapping):
        return {key: _without(value, keys) for key, value in node.items() if key not in keys}
    if isinstance(node, list | tuple):
        return [_without(value, keys) for value in node]
    return node


def _numbers(values: Any) -> str:
    return " ".join(f"{value:g}" for value in values)
