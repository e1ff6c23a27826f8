"""The table for a terminal."""

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from simmim_eval.results.table import Table
from simmim_eval.results.views.words import Words, difference_words, right_from, table_words

__all__ = ["print_table"]


def print_table(table: Table, console: Console | None = None) -> None:
    """Print heading, cells, differences if they have intervals, footer, notes.

    Args:
        table: What the query gave.
        console: Where to; the standard output by default.
    """
    console = console or Console()
    console.print(Text(table.heading, style="bold"))
    console.print(_grid(table_words(table)))
    differences = difference_words(table)
    if differences is not None:
        console.print(_grid(differences))
    for line in (table.footer, *table.notes):
        console.print(Text(line, style="dim"))


def _grid(words: Words) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title, right in zip(words.header, right_from(words), strict=True):
        grid.add_column(Text(title), justify="right" if right else "left")
    for row in words.rows:
        grid.add_row(*map(Text, row))
    return grid
