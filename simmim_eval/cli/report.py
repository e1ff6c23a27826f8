"""A table on the terminal and in files."""

from pathlib import Path

from rich.console import Console

from simmim_eval.launch.suite import read_suite
from simmim_eval.results.query import query
from simmim_eval.results.store import Store
from simmim_eval.results.table import COLUMNS
from simmim_eval.results.views import write_tables
from simmim_eval.results.views.terminal import print_table

__all__ = ["show_table"]

WIDTH = 132  # columns


def show_table(work_dir: Path, suite_name: str | None, out: Path, split: str) -> None:
    """Query the store under ``work_dir`` once, print the table, write it in three formats, and name the pictures."""
    console = _wide_console()
    suite = read_suite(suite_name) if suite_name else None
    store = Store(work_dir)
    records = list(store.records())
    tasks = {record.protocol.task for record in records if record.kind == "transfer"}
    present = [column for column in COLUMNS if column.task in tasks]
    table = query(
        store,
        columns=COLUMNS if suite else present or COLUMNS,
        title=suite.title if suite else str(work_dir),
        reproduce=f"simmim-eval suite run {suite.path}" if suite else f"simmim-eval table {work_dir}",
        caption=suite.notes[0] if suite and suite.notes else None,
        notes=suite.notes[1:] if suite else (),
        filters={"protocol.split": split},
        inits=suite.inits if suite else (),
    )
    print_table(table, console)
    pictures = [store.root / record.artifacts["pictures"] for record in records if "pictures" in record.artifacts]
    for path in (*write_tables(table, out, "table"), *pictures):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _wide_console() -> Console:
    """The terminal as it is; into a file or a pipe as wide as a table needs."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
