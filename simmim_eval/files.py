"""Files written whole or not at all, and hashes of what they hold."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simmim_eval.errors import UserError

__all__ = ["atomic_path", "sha256_file", "sha256_text", "write_atomic"]


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is renamed to ``path``, on an error it is removed.

    Args:
        path: The final name; its folder is created.
        overwrite: Replace what is there. Without it an existing file is a :class:`UserError`.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise UserError(f"{path}: already exists. Remove it, or give another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        if overwrite:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # fails, rather than replaces, if another process was quicker
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike[str], content: str | bytes, *, overwrite: bool = False) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` through :func:`atomic_path`."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Hexadecimal SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
