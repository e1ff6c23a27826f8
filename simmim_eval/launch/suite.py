"""A suite: the matrix of pre-trainings, transfers, initialisations and seeds, as a config says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simmim_eval.engine.recipe import find_config, read_config
from simmim_eval.errors import ConfigError, nearest
from simmim_eval.records import InitKind

__all__ = ["Suite", "read_suite"]

FIELDS = ("title", "pretraining", "transfer", "inits", "notes")


@dataclass(frozen=True)
class Suite:
    """What ``configs/suites/*.py`` holds.

    Attributes:
        path: The file, as the user gave it.
        title: First words of the table.
        pretraining: Kind of initialisation to the recipe whose run gives its weights.
        transfer: Recipes of the transfer tasks, the longest first.
        inits: Rows of the table.
        notes: What a reader of the table must know.
    """

    path: str
    title: str
    pretraining: Mapping[str, str]
    transfer: tuple[str, ...]
    inits: tuple[InitKind, ...]
    notes: tuple[str, ...]


def read_suite(name: str) -> Suite:
    """Read a suite's config.

    Raises:
        ConfigError: A field is missing or unknown, or an initialisation has no pre-training.
    """
    path = find_config(name)
    fields: dict[str, Any] = read_config(path)._cfg_dict.to_dict()
    missing, unknown = set(FIELDS) - set(fields), set(fields) - set(FIELDS)
    if missing:
        raise ConfigError(f"{path}: has no {', '.join(sorted(missing))}. A suite sets {', '.join(FIELDS)}.")
    if unknown:
        first = min(unknown)
        raise ConfigError(
            f"{path}: {first!r} is no field of a suite ({nearest(first, FIELDS)}). Correct or remove the line."
        )
    for kind in fields["inits"]:
        if kind != "random" and kind not in fields["pretraining"]:
            raise ConfigError(f"{path}: inits names {kind!r}, pretraining has no recipe for it. Add one.")
    return Suite(
        path=name,
        title=fields["title"],
        pretraining=fields["pretraining"],
        transfer=tuple(fields["transfer"]),
        inits=tuple(fields["inits"]),
        notes=tuple(fields["notes"]),
    )
