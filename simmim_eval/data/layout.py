"""What must be on disk before a data set is read: folders that exist and files that are all there."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from simmim_eval.errors import ConfigError, DataError

__all__ = ["absent_files", "require_file", "require_files", "require_folder", "require_prefix", "walk_files"]


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
    absent = absent_files(paths)
    if absent:
        raise DataError(f"{source}: {len(absent)} of {len(paths)} files are absent, the first is {absent[0]}. {mend}")


def absent_files(paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that do not exist, in their order."""
    folders: dict[str, set[str]] = {}
    absent: list[str] = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = set(os.listdir(folder or ".")) if os.path.isdir(folder or ".") else set()
        if name not in folders[folder]:
            absent.append(path)
    return absent


def _refuse(path: Path, fault: DataError) -> NoReturn:
    raise fault


def walk_files(
    folder: str | os.PathLike[str], on_fault: Callable[[Path, DataError], None] = _refuse
) -> Iterator[tuple[Path, os.stat_result]]:
    """All files under a folder with what the disk says of them; links are followed, but never round a loop.

    Args:
        folder: Where to begin.
        on_fault: Takes each path that cannot be followed and its fault, and the walk goes on beside it; by default the
            fault is raised. Kinds: ``link-loop``, ``broken-link``, ``unreadable`` (permissions, a disk's error).

    Raises:
        DataError: As ``on_fault`` says.
    """
    top = Path(folder)
    around = frozenset(map(_identity, map(Path.stat, top.absolute().parents)))
    stack = [(top, around)]
    while stack:
        place, above = stack.pop()
        try:
            identity = _identity(place.stat())
            if identity in above:
                on_fault(place, _loop(place))
                continue
            entries = sorted(os.listdir(place))
        except OSError as error:
            on_fault(place, _unreadable(place, error))
            continue
        folders = []
        for name in entries:
            path = place / name
            try:
                found = path.stat()
            except OSError as error:
                on_fault(path, _unreadable(path, error))
                continue
            if stat.S_ISDIR(found.st_mode):
                folders.append((path, above | {identity}))
            else:
                yield path, found
        stack += reversed(folders)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _loop(path: Path) -> DataError:
    return DataError(
        f"{path}: cannot be read to an end, the link leads to a folder around it. Mend the link, or remove it.",
        kind="link-loop",
    )


def _unreadable(path: Path, error: OSError) -> DataError:
    if path.is_symlink():
        kind = "link-loop" if error.errno == errno.ELOOP else "broken-link"
        return DataError(
            f"{path}: cannot be read, the symbolic link leads nowhere ({error.strerror}). Mend the link, or remove it.",
            kind=kind,
        )
    return DataError(f"{path}: cannot be read ({error.strerror}). Mend the permissions or the disk.")


def require_prefix(prefixes: Mapping[str, str], key: str, dataset: str) -> str:
    """The folder that ``data_prefix`` gives for ``key``, or a ConfigError that names the data set."""
    if prefixes.get(key) is None:
        raise ConfigError(f"{dataset}: data_prefix has no {key!r}, only {sorted(prefixes)}. Add it.")
    return prefixes[key]
