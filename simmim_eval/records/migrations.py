"""Old records become current ones here, and nowhere else.

``MIGRATIONS[v]`` takes the plain data of a record of version ``v`` and gives that of version ``v + 1``. A record of
every version that was ever written stays in ``tests/data/records``.
"""

from collections.abc import Callable
from typing import Any

from simmim_eval.errors import RecordError
from simmim_eval.records.schema import SCHEMA_VERSION

__all__ = ["MIGRATIONS", "migrate"]

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def migrate(plain: dict[str, Any], source: str) -> dict[str, Any]:
    """Bring plain data to the current version.

    Args:
        plain: A decoded record.
        source: Its file, for the message.

    Raises:
        RecordError: ``schema_version`` is missing, not a number, newer than this program, or no longer known.
    """
    version = plain.get("schema_version")
    if type(version) is not int:
        raise RecordError(
            f"{source}: schema_version is {version!r}; expected a number from 1 to {SCHEMA_VERSION}. "
            "The file is not a record of simmim-eval, or was edited: restore it, or run again."
        )
    if version > SCHEMA_VERSION:
        raise RecordError(
            f"{source}: schema_version is {version}; this simmim-eval reads up to {SCHEMA_VERSION}. "
            "Install the newer simmim-eval that wrote the file."
        )
    while version < SCHEMA_VERSION:
        if version not in MIGRATIONS:
            raise RecordError(f"{source}: schema_version is {version}; the oldest known is {_oldest()}. Run again.")
        plain = {**MIGRATIONS[version](plain), "schema_version": version + 1}
        version += 1
    return plain


def _oldest() -> int:
    return min([SCHEMA_VERSION, *MIGRATIONS])
