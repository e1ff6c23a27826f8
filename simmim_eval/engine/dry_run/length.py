"""How long a training is: on the data that are there, else on as many items as were published."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from simmim_eval.data.published import PublishedSize, published_size
from simmim_eval.engine.batch import effective_batch, is_by_epoch, num_steps
from simmim_eval.engine.identity import build_datasets
from simmim_eval.engine.recipe import REPORTED_SPLIT, bind_data, class_name
from simmim_eval.errors import ConfigError

__all__ = ["DataSize", "Length", "data_size", "training_length", "warm_up"]


@dataclass(frozen=True)
class DataSize:
    """How many items a recipe trains on and is evaluated on.

    Attributes:
        train: None where nobody knows.
        val: As ``train``.
        counted: Whether they were counted under a data root, not published.
        missing: The first part that the given data root lacks.
        published: The published size; None for data that are not known.
        parts: What the recipe reads below its data root.
    """

    train: int | None
    val: int | None
    counted: bool
    missing: Path | None
    published: PublishedSize | None
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Length:
    """Of a training.

    Attributes:
        steps: Of the optimiser.
        images: Samples seen.
        epochs: As the recipe counts, else in samples; None where the size of the training set is not known.
    """

    steps: int
    images: int
    epochs: float | None


def data_size(config: Config, data_root: Path | None) -> DataSize:
    """Count the data under ``data_root`` if all parts of the recipe are there; otherwise say what was published.

    Raises:
        DataError: The data are there and broken.
    """
    parts = tuple(config.data_parts)
    published = published_size(config.data, parts)
    missing = next((data_root / part for part in parts if not (data_root / part).exists()), None) if data_root else None
    if data_root is not None and missing is None:
        bound = Config(config._cfg_dict.to_dict())
        bind_data(bound, data_root, REPORTED_SPLIT)
        train_set, test_set = build_datasets(bound)
        return DataSize(len(train_set), len(test_set) // config.get("views", 1), True, None, published, parts)
    if published is None:
        return DataSize(None, None, False, missing, None, parts)
    if published.labelled is not None and _only_labelled(config):
        published = replace(published, train=published.labelled)
    return DataSize(published.train, published.val, False, missing, published, parts)


def training_length(config: Config, size: DataSize) -> Length:
    """Steps, samples and epochs.

    Raises:
        ConfigError: It is counted in epochs of a data set whose size is not known.
    """
    if size.train is None and is_by_epoch(config):
        raise ConfigError(
            f"train_cfg counts epochs, and the size of the data set {config.data!r} is not known. Give its folder: "
            "--data-root."
        )
    steps = num_steps(config, size.train or 0)
    images = steps * effective_batch(config)
    if is_by_epoch(config):
        return Length(steps, images, config.train_cfg.max_epochs)
    return Length(steps, images, images / size.train if size.train else None)


def warm_up(config: Config) -> str:
    """The first linear rise of the rate, in the recipe's own unit; ``none`` without one."""
    found: Any = config.get("param_scheduler") or []
    for one in [found] if isinstance(found, dict) else found:
        if class_name(one) == "LinearLR" and one.get("start_factor", 1 / 3) < 1:
            unit = "epochs" if one.get("by_epoch", True) else "steps"
            begin = one.get("begin", 0)
            return f"{one['end'] - begin:,} {unit} from {one.get('start_factor', 1 / 3):.3g} of the rate"
    return "none"


def _only_labelled(config: Config) -> bool:
    return bool((config.train_dataloader.dataset.get("filter_cfg") or {}).get("filter_empty_gt"))
