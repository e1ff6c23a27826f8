"""A folder of records is the truth: ``records/ID.json``, and ``attempts/ID/N.json`` beside it.

Files are written whole and never changed; stores are merged by copying files. Several processes may write at once.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from simmim_eval.errors import RecordError, UserError
from simmim_eval.files import write_atomic
from simmim_eval.records import (
    Attempt,
    Record,
    encode_attempt,
    encode_record,
    equal_records,
    read_attempt,
    read_record,
)

__all__ = ["Store"]


class Store:
    """Records and attempts under one root.

    Args:
        root: The folder; it is created by the first write.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def record_path(self, run_id: str) -> Path:
        """Where the record of a run is, or would be."""
        return self.root / "records" / f"{run_id}.json"

    def has(self, run_id: str) -> bool:
        """Whether the run is completed."""
        return self.record_path(run_id).is_file()

    def read(self, run_id: str) -> Record:
        """The record of a run.

        Raises:
            RecordError: It is not there, broken, or in the file of another run.
        """
        path = self.record_path(run_id)
        record = read_record(path)
        if record.run_id != run_id:
            raise RecordError(f"{path}: holds run {record.run_id}. Rename the file to {record.run_id}.json.")
        return record

    def records(self) -> Iterator[Record]:
        """All records, in the order of their ids.

        Raises:
            RecordError: One of them is broken.
        """
        for path in _json_files(self.root / "records"):
            yield self.read(path.stem)

    def add(self, record: Record) -> Path:
        """Write a record; one that is there already stays, if it says the same.

        Raises:
            RecordError: The record is not valid, the folder cannot be written, or the store holds another outcome
                of the same run.
        """
        path = self.record_path(record.run_id)
        if not _create(path, encode_record(record)) and not equal_records(self.read(record.run_id), record):
            raise RecordError(
                f"{path}: run {record.run_id} is recorded with another outcome; records are never edited. The run is "
                "not deterministic, or the code changed: raise NUMERICS_VERSION, or use another store."
            )
        return path

    def attempts(self, run_id: str) -> list[Attempt]:
        """All attempts at a run, oldest first."""
        paths = _json_files(self.root / "attempts" / run_id)
        return [read_attempt(path) for path in sorted(paths, key=_number)]

    def attempted(self) -> list[str]:
        """Ids of all runs with an attempt, in order."""
        folder = self.root / "attempts"
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def add_attempt(self, attempt: Attempt) -> Path:
        """Append an attempt under the next free number.

        Raises:
            RecordError: The attempt is not valid, or the folder cannot be written.
        """
        folder = self.root / "attempts" / attempt.run_id
        data = encode_attempt(attempt)
        number = 1 + max((_number(path) for path in _json_files(folder)), default=0)
        while not _create(folder / f"{number}.json", data):
            number += 1
        return folder / f"{number}.json"


def _create(path: Path, data: bytes) -> bool:
    """Write a new file; False if it exists, whoever was quicker."""
    try:
        write_atomic(path, data)
    except (OSError, UserError) as error:
        if path.exists():
            return False
        reason = error.strerror if isinstance(error, OSError) else error
        raise RecordError(f"{path}: cannot be written ({reason}). Free or choose another folder.") from error
    return True


def _json_files(folder: Path) -> list[Path]:
    """Finished files only: one that is being written has a name with a leading dot."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def _number(path: Path) -> int:
    if not path.stem.isdigit():
        raise RecordError(f"{path}: expected a number as the name of an attempt. Remove or rename the file.")
    return int(path.stem)
