"""A recipe: one config file, read and bound to data, an initialisation, a seed and a place to work.

Beside what mmengine's ``Runner`` takes, a recipe says: ``task``, ``title`` (the backbone as tables print it),
``data`` (name of the data set), ``data_parts`` (sub-folders of ``data_root`` that it reads), ``resolution``
(pixels), ``splits`` (for each evaluated split what it changes: ``dataloader`` for ``test_dataloader``,
``evaluator`` for ``test_evaluator``). It may say ``views``, how often the test set shows each sample, and
``seconds``, what a run takes on one core.
"""

import importlib.resources
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from simmim_eval.engine.missing import missing_package
from simmim_eval.errors import ConfigError, nearest
from simmim_eval.pretraining.task import TASK as PRETRAINING
from simmim_eval.task import Task
from simmim_eval.transfer import TASKS as TRANSFER_TASKS
from simmim_eval.weights import read_checkpoint

__all__ = [
    "REPORTED_SPLIT",
    "TASKS",
    "bind_data",
    "class_name",
    "count",
    "fields",
    "find_config",
    "load_recipe",
    "read_config",
    "rebase",
    "recipe_of",
]

TASKS: dict[str, Task] = TRANSFER_TASKS | {PRETRAINING.name: PRETRAINING}
REPORTED_SPLIT = "val"
REQUIRED = ("task", "title", "data", "data_root", "data_parts", "resolution", "splits")
RUNNER_KEYS = (
    "model",
    "train_dataloader",
    "train_cfg",
    "optim_wrapper",
    "test_dataloader",
    "test_evaluator",
    "test_cfg",
)


def find_config(name: str) -> Path:
    """The file of a config: a path, or a path inside the package's own ``configs/``.

    Raises:
        ConfigError: Neither exists.
    """
    own = _own_configs()
    for candidate in (Path(name), own / name, own / name.removeprefix("configs/")):
        if candidate.is_file():
            return candidate
    known = [str(path.relative_to(own)) for path in own.glob("[!_]*/*.py")]
    raise ConfigError(f"{name}: no such config, neither here nor in the package's configs/ ({nearest(name, known)}).")


def recipe_of(checkpoint: Path) -> str:
    """The package's own recipe that a checkpoint of ours names; a file elsewhere is never taken from a checkpoint.

    Raises:
        CheckpointError: The file cannot be read.
        ConfigError: It names no recipe in the package's ``configs/``.
    """
    name = read_checkpoint(checkpoint).recipe
    found = [path for path in _own_configs().glob("[!_]*/*.py") if path.stem == name]
    if not found:
        raise ConfigError(
            f"{checkpoint}: names no recipe of the package's configs/ ({name!r}). Give it: --config FILE."
        )
    return str(found[0])


def _own_configs() -> Path:
    return Path(str(importlib.resources.files("simmim_eval"))) / "configs"


def read_config(path: Path) -> Config:
    """Read a config file.

    Raises:
        ConfigError: The file, or one that it inherits from, cannot be executed or found.
    """
    try:
        return Config.fromfile(path)
    except ImportError as error:
        told = missing_package(error) or f"cannot import what it names ({error}). Correct the file."
        raise ConfigError(f"{path}: {told}") from error
    except Exception as error:  # a config is a program, which may raise anything
        raise ConfigError(
            f"{path}: cannot be read as a config ({type(error).__name__}: {error}). Correct the file."
        ) from error


def load_recipe(path: Path, options: Mapping[str, Any]) -> Config:
    """Read a recipe and override fields of it.

    Args:
        path: The config file.
        options: Dotted keys to new values (``--cfg-options``); each must exist already.

    Raises:
        ConfigError: The file does not parse, lacks a field, names an unknown task, or an option names no field.
    """
    config = read_config(path)
    missing = [key for key in (*REQUIRED, *RUNNER_KEYS) if key not in config]
    if missing:
        raise ConfigError(f"{path}: has no {', '.join(missing)}. Every recipe sets {', '.join(REQUIRED)}.")
    if config.task not in TASKS:
        raise ConfigError(f"{path}: task is {config.task!r}, no task ({nearest(config.task, TASKS)}). Correct it.")
    for key in options:
        _check_option(config, key, path)
    config.merge_from_dict(dict(options))
    return config


def bind_data(config: Config, data_root: Path, split: str) -> None:
    """Point every path of a recipe at ``data_root`` and its evaluation at ``split``, in place.

    Paths are the strings that start with the recipe's own ``data_root``, wherever they stand: inherited configs
    repeat the root in loaders and evaluators.
    """
    if split not in config.splits:
        raise ConfigError(f"--split {split}: this recipe evaluates {', '.join(config.splits)}.")
    changes = config.splits[split]
    config.merge_from_dict({f"test_{part}": dict(values) for part, values in changes.items()})
    old, new = config.data_root, f"{data_root.resolve()}/"
    config._cfg_dict.update(rebase(config._cfg_dict.to_dict(), old, new))


def rebase(node: Any, old: str, new: str) -> Any:
    """A copy of nested plain data in which every string that starts with ``old`` starts with ``new``."""
    if isinstance(node, Mapping):
        return {key: rebase(value, old, new) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return type(node)(rebase(value, old, new) for value in node)
    return new + node.removeprefix(old) if isinstance(node, str) and node.startswith(old) else node


def fields(node: Any, name: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted path and value of every field called ``name`` in nested plain data."""
    if isinstance(node, Mapping):
        if name in node:
            yield f"{path}{name}", node[name]
        items: Iterable[tuple[Any, Any]] = node.items()
    else:
        items = enumerate(node) if isinstance(node, list | tuple) else ()
    for key, value in items:
        yield from fields(value, name, f"{path}{key}.")


def count(config: Config, dotted: str) -> int:
    """The whole number from 1 that a recipe has at a dotted path.

    Raises:
        ConfigError: It has another value there, or none.
    """
    value: Any = config._cfg_dict
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if type(value) is not int or value < 1:
        raise ConfigError(f"{dotted} is {value!r}; expected a whole number from 1. Correct it.")
    return value


def class_name(node: Mapping[str, Any]) -> str:
    """Name of the class that a part of a recipe builds, without its scope; empty if it names none."""
    kind = node.get("type", "")
    return kind.rpartition(".")[2] if isinstance(kind, str) else getattr(kind, "__name__", "")


def _check_option(config: Config, dotted: str, path: Path) -> None:
    node: Any = config._cfg_dict
    for part in dotted.split("."):
        if isinstance(node, list | tuple) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, Mapping) and part in node:
            node = node[part]
        else:
            known = node.keys() if isinstance(node, Mapping) else []
            near = f"; {nearest(part, known)}" if known else ""
            raise ConfigError(
                f"--cfg-options {dotted}: {path} has no such field ({part!r}{near}). Options override what is there."
            )
