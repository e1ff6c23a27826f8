"""Results of files that have not changed since: told by path, size and time of change.

A small database outside the data. Two checks may write to it at once, and a killed one loses its last moments only.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from simmim_eval.data.check.examine import VERSION, Examined
from simmim_eval.errors import UserError

__all__ = ["ResultCache", "Stamp", "default_cache"]

Stamp = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""

_TABLE = (
    "CREATE TABLE IF NOT EXISTS results (examiner TEXT, path BLOB, size INTEGER, mtime INTEGER, result BLOB, "
    "PRIMARY KEY (examiner, path)) WITHOUT ROWID"
)
_FIND = "SELECT result FROM results WHERE examiner = ? AND path = ? AND size = ? AND mtime = ?"
_KEEP = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)"
_WAIT = 60.0  # seconds for another check to finish writing


def default_cache(root: Path) -> Path:
    """The cache of a data root in the user's cache folder (``XDG_CACHE_HOME``, else ``~/.cache``)."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]
    return folder / "simmim-eval" / "data-check" / f"{name}.sqlite"


class ResultCache:
    """What was found in files, kept between checks.

    Args:
        path: The file; made with its folder.
        root: The data; the cache may not lie in it.

    Raises:
        UserError: The file lies in the data, cannot be written, or is something else.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, os.path.realpath(root)
        if Path(os.path.realpath(path)).is_relative_to(self.root):
            raise UserError(
                f"{path}: the cache would lie in the data, which a check never writes to. Give --cache FILE."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.database = sqlite3.connect(path, timeout=_WAIT)
            self.database.execute("PRAGMA synchronous = OFF")  # a lost result is found again
            self.database.execute(_TABLE)
            self.database.commit()
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"{path}: cannot be used as the cache ({error}). Remove it if it is no cache of this command, or give "
                "--cache FILE where you may write."
            ) from error

    def __enter__(self) -> "ResultCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def find(self, examiner: str, paths: Iterable[tuple[str, Stamp]]) -> Iterator[Examined | None]:
        """The kept result of each file, None where there is none or the file has changed."""
        for path, (size, mtime) in paths:
            row = self.database.execute(_FIND, (_version(examiner), self._key(path), size, mtime)).fetchone()
            yield msgspec.json.decode(row[0], type=Examined) if row else None

    def keep(self, examiner: str, results: Iterable[tuple[str, Stamp, Examined]]) -> None:
        """Write results down."""
        rows = [
            (_version(examiner), self._key(path), size, mtime, msgspec.json.encode(result))
            for path, (size, mtime), result in results
        ]
        try:
            with self.database:
                self.database.executemany(_KEEP, rows)
        except sqlite3.Error as error:
            raise UserError(
                f"{self.path}: cannot be written ({error}). Make room, or give --cache FILE elsewhere."
            ) from error

    def _key(self, path: str) -> bytes:
        return os.fsencode(os.path.abspath(path))


def _version(examiner: str) -> str:
    return f"{examiner} {VERSION}"
