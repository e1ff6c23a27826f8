"""What must be on disk before a data set is read: folders that exist and files that are all there."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from simmim_eval.errors import ConfigError, DataError

__all__ = ["require_file", "require_files", "require_folder", "require_prefix"]


def require_folder(path: str | os.PathLike[str], layout: str) -> Path:
    """Return ``path``, or raise a DataError that says which ``layout`` was expected."""
    path = Path(path)
    if path.is_dir():
        return path
    fault = "is a file, not a folder" if path.exists() else "no such folder"
    raise DataError(f"{path}: {fault}. Expected {layout}. Correct data_root, or make the data first.")


def require_file(path: str | os.PathLike[str], layout: str) -> Path:
    """Return ``path``, or raise a DataError that says which ``layout`` was expected."""
    path = Path(path)
    if path.is_file():
        return path
    fault = "is a folder, not a file" if path.exists() else "no such file"
    raise DataError(f"{path}: {fault}. Expected {layout}. Correct data_root or ann_file, or make the data first.")


def require_files(paths: Iterable[str], source: str, mend: str) -> None:
    """Raise a DataError unless every file exists; each folder is listed once, so that 10^5 files cost a second.

    Args:
        paths: Files that must exist.
        source: What asks for them; opens the message.
        mend: What to do about it; ends the message.
    """
    paths = list(paths)
    folders: dict[str, set[str]] = {}
    absent: list[str] = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = set(os.listdir(folder or ".")) if os.path.isdir(folder or ".") else set()
        if name not in folders[folder]:
            absent.append(path)
    if absent:
        raise DataError(f"{source}: {len(absent)} of {len(paths)} files are absent, the first is {absent[0]}. {mend}")


def require_prefix(prefixes: Mapping[str, str], key: str, dataset: str) -> str:
    """The folder that ``data_prefix`` gives for ``key``, or a ConfigError that names the data set."""
    if prefixes.get(key) is None:
        raise ConfigError(f"{dataset}: data_prefix has no {key!r}, only {sorted(prefixes)}. Add it.")
    return prefixes[key]
