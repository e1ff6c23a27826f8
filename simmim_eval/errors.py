"""The one family of errors that a user can cause and mend.

Each message names what is wrong (file, field, value), what was expected, and what to do.
``simmim_eval.cli`` catches the family once and exits with :attr:`UserError.exit_code`.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "MaskError",
    "RecordError",
    "UserError",
    "nearest",
    "printable",
]


class UserError(Exception):
    """A fault in what the user gave; the message says how to mend it."""

    exit_code = 2

    def __str__(self) -> str:
        return printable(super().__str__())


class ConfigError(UserError):
    """A config, or an option that overrides it, asks for something that does not exist."""


class CheckpointError(UserError):
    """A checkpoint cannot be read, is not safe to read, or does not fit the backbone."""


class DataError(UserError):
    """A data set, or one file in it, is missing, broken or of another format.

    Args:
        message: As every message here.
        kind: A word for the fault, by which a check of many files counts; see ``simmim_eval.data.check.kinds``.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class MaskError(UserError):
    """A mask does not fit the image or the backbone."""


class RecordError(UserError):
    """A result record cannot be read, is not valid, or contradicts another."""


def printable(text: str) -> str:
    r"""``text`` with the bytes of a file's name that are not UTF-8 as ``\xff``, so that any stream can take it."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character of UTF-16, as JSON can hold
        return text.encode("utf-8", "backslashreplace").decode()


def nearest(word: str, known: Iterable[str], limit: int = 20) -> str:
    """A phrase for an error message: the names nearest to ``word``, else at most ``limit`` of the known ones."""
    names = sorted(map(str, known))
    close = get_close_matches(word, names)
    if close:
        return "did you mean " + " or ".join(close) + "?"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return "known: " + ", ".join(names[:limit]) + more
