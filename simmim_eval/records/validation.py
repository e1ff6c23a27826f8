"""Records and attempts as bytes: every fault is a :class:`RecordError` with file, field and mend."""

import math
import os
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from simmim_eval.errors import RecordError, nearest
from simmim_eval.records.identity import record_id
from simmim_eval.records.migrations import migrate
from simmim_eval.records.schema import INIT_KINDS, Attempt, Record

__all__ = ["encode_attempt", "encode_record", "parse_attempt", "parse_record", "read_attempt", "read_record"]

_MEND = "Records are never edited: restore the file, or remove it and run again."
_CHOICES: dict[str, tuple[str, ...]] = {
    "init.kind": INIT_KINDS,
    "init_kind": INIT_KINDS,
    "kind": ("pretrain", "transfer", "cited"),
    "status": ("interrupted", "failed", "completed"),
}

_Struct = TypeVar("_Struct", Record, Attempt)


def read_record(path: str | os.PathLike[str]) -> Record:
    """Read and check one record file.

    Raises:
        RecordError: The file is missing, truncated, not text, not JSON, of another version, has a wrong, missing or
            unknown field (named by its path, as ``metrics[0].value``), or its id is not that of its content.
    """
    return parse_record(_read(path), str(path))


def read_attempt(path: str | os.PathLike[str]) -> Attempt:
    """Read and check one attempt file; faults as in :func:`read_record`."""
    return parse_attempt(_read(path), str(path))


def parse_record(data: bytes, source: str) -> Record:
    """The record in ``data``; ``source`` names the file in messages. Faults as in :func:`read_record`."""
    record = _convert(migrate(_decode(data, source), source), Record, source)
    expected = record_id(record)
    if record.run_id != expected:
        raise RecordError(f"{source}: run_id is {record.run_id}; its content has {expected}. {_MEND}")
    return record


def parse_attempt(data: bytes, source: str) -> Attempt:
    """The attempt in ``data``; faults as in :func:`read_record`."""
    return _convert(migrate(_decode(data, source), source), Attempt, source)


def encode_record(record: Record) -> bytes:
    """The bytes of a record file: indented JSON, fields in the schema's order, keys of dicts sorted.

    Raises:
        RecordError: The record would not be read back: a number is not finite, a type or the id is wrong.
    """
    source = f"record {record.run_id}"
    data = _encode(record, source)
    parse_record(data, source)
    return data


def encode_attempt(attempt: Attempt) -> bytes:
    """The bytes of an attempt file; faults as in :func:`encode_record`."""
    source = f"attempt at {attempt.run_id}"
    data = _encode(attempt, source)
    parse_attempt(data, source)
    return data


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}). Check the path and its permissions.") from error


def _decode(data: bytes, source: str) -> dict[str, Any]:
    try:
        plain = msgspec.json.decode(data.decode())
    except UnicodeDecodeError as error:
        raise RecordError(f"{source}: byte {error.start} is not UTF-8 text; expected JSON. {_MEND}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        hint = " (NaN and Infinity are not numbers in JSON)" if re.search(rb"NaN|Infinity", data) else ""
        raise RecordError(f"{source}: not valid JSON: {error}{hint}; is it truncated? {_MEND}") from error
    if not isinstance(plain, dict):
        raise RecordError(f"{source}: holds {type(plain).__name__}; expected one JSON object. {_MEND}")
    _check_finite(plain, "", source)
    return plain


def _convert(plain: dict[str, Any], kind: type[_Struct], source: str) -> _Struct:
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        field = path.strip("`").removeprefix(".")
        unknown = re.match(r"Object contains unknown field `(.*)`$", problem)
        if unknown:
            problem += f" ({nearest(unknown[1], _fields(kind, field))})"
        if field in _CHOICES:
            problem += f" (expected one of {', '.join(_CHOICES[field])})"
        where = f"field {field}: " if field else ""
        raise RecordError(f"{source}: {where}{problem}. {_MEND}") from error


def _fields(kind: type[msgspec.Struct], field: str) -> list[str]:
    """Names of the fields of the struct found at ``field`` (dotted, with [index])."""
    types: list[Any] = [kind]
    for name in filter(None, re.sub(r"\[[^]]*\]", "", field).split(".")):
        known = {item.name: item.type for one in types for item in msgspec.structs.fields(one)}
        types = _structs(known.get(name))
    return [item.name for one in types for item in msgspec.structs.fields(one)]


def _structs(kind: Any) -> list[Any]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [found for part in getattr(kind, "__args__", ()) for found in _structs(part)]


def _encode(part: Record | Attempt, source: str) -> bytes:
    _check_finite(msgspec.to_builtins(part), "", source)
    data = msgspec.json.encode(part, order="deterministic")
    return msgspec.json.format(data, indent=2) + b"\n"


def _check_finite(value: object, field: str, source: str) -> None:
    """Refuse NaN: msgspec would write it as null, which an optional field reads back as "not measured"."""
    if isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"{source}: field {field} is {value}; expected a finite number. Did the run diverge?")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_finite(item, f"{field}.{key}" if field else str(key), source)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_finite(item, f"{field}[{index}]", source)
