"""``simmim-eval table``: records to one results table."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EXAMPLE", "table"]

EXAMPLE = "Example: simmim-eval table work_dirs/demo --suite suites/demo.py"


def table(
    work_dir: Annotated[Path, typer.Argument(help="Folder with records/.")],
    suite: Annotated[str | None, typer.Option(help="The suite whose title, rows and notes the table takes.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for table.md, .csv and .json (WORK_DIR/tables).")] = None,
    split: Annotated[str, typer.Option(help="Split of the records.")] = "val",
) -> None:
    """Print the results table of all transfer records in a folder, and write it as Markdown, CSV and JSON."""
    from simmim_eval.cli.report import show_table

    show_table(work_dir, suite, out or work_dir / "tables", split)
