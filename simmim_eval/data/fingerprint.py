"""A hash that tells one copy of a data set from another."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from simmim_eval.data.layout import require_folder, walk_files
from simmim_eval.errors import DataError
from simmim_eval.files import sha256_file

__all__ = ["data_fingerprint"]


def data_fingerprint(root: str | os.PathLike[str], parts: Sequence[str], *, content: bool = False) -> str:
    """Hash which files a data set has, and how long each is; links are followed.

    Args:
        root: Folder of the data set; its own name and place do not enter the hash.
        parts: Files and folders under ``root`` that belong to the task, such as ``["train", "val"]``. Their order
            and their overlaps do not matter.
        content: Hash every byte as well. Without it a file changed to another of equal length goes unseen.

    Returns:
        Hexadecimal SHA-256 over the sorted relative POSIX paths and sizes in bytes.

    Raises:
        DataError: A part is absent, leaves ``root``, cannot be read, or holds no file.
    """
    root = require_folder(root, "the root of a data set")
    if not parts:
        raise DataError(f"{root}: no parts to fingerprint. Name the files and folders of the task, or '.' for all.")
    found = {path: size for part in parts for path, size in _files_of(root, part)}
    digest = hashlib.sha256(b"path size sha256\n" if content else b"path size\n")
    for relative, path in sorted((os.fsencode(path.relative_to(root).as_posix()), path) for path in found):
        digest.update(relative + b"\0%d" % found[path])
        digest.update(f" {sha256_file(path)}\n".encode() if content else b"\n")
    return digest.hexdigest()


def _files_of(root: Path, part: str) -> Iterator[tuple[Path, int]]:
    path = Path(os.path.normpath(root / part))
    if not path.is_relative_to(os.path.normpath(root)):
        raise DataError(f"{root}: part {part!r} lies outside. Name files and folders under the root.")
    path = root / os.path.relpath(path, root)
    if path.is_file():
        yield path, path.stat().st_size
        return
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder. Correct the root or the parts, or make the data first.")
    empty = True
    for file, found in walk_files(path):
        empty = False
        yield file, found.st_size
    if empty:
        raise DataError(f"{path}: holds no file. Make or unpack the data first.")
