"""The table as files."""

import os
from pathlib import Path

from simmim_eval.errors import UserError
from simmim_eval.files import write_atomic
from simmim_eval.results.table import Table
from simmim_eval.results.views.csv import to_csv
from simmim_eval.results.views.json import to_json
from simmim_eval.results.views.markdown import to_markdown

__all__ = ["write_tables"]

_FORMATS = {".md": to_markdown, ".csv": to_csv, ".json": to_json}


def write_tables(table: Table, folder: str | os.PathLike[str], stem: str) -> tuple[Path, ...]:
    """Write ``STEM.md``, ``STEM.csv`` and ``STEM.json`` into ``folder``; older ones are replaced.

    Raises:
        UserError: The folder cannot be written.
    """
    texts = {Path(folder) / f"{stem}{suffix}": render(table) for suffix, render in _FORMATS.items()}
    for path, text in texts.items():
        try:
            write_atomic(path, text, overwrite=True)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror}). Free or choose another folder.") from error
    return tuple(texts)
