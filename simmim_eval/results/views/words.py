"""Numbers as a reader sees them, shared by the views that are read: one grid of words for cells, one for differences.

No cell is set apart as the best: at n = 1 that would be a claim, and at n > 1 the differences say more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simmim_eval.results.table import Cell, Column, Difference, Row, Table

__all__ = ["Words", "difference_words", "right_from", "table_words"]

_MINUTE, _HOUR = 120, 7200  # from two of a unit on


@dataclass(frozen=True)
class Words:
    """Header and rows of equal length; the first ``num_text`` columns are text, the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    num_text: int


def table_words(table: Table) -> Words:
    """``init | pre-training | cost | top-1 (20.0) | …``, with the backbone in front if there are several."""
    several = len({row.backbone for row in table.rows}) > 1
    front = ("backbone",) if several else ()
    header = (*front, "init", "pre-training", "cost", *map(_column, table.columns))
    rows = []
    for row in table.rows:
        numbers = (_cell(cell, table.n_varies) for cell in row.cells)
        rows.append(((row.backbone,) if several else ()) + (row.label, row.pretraining, _cost(row), *numbers))
    return Words(header, tuple(rows), num_text=len(front) + 2)


def difference_words(table: Table) -> Words | None:
    """``SimMIM − supervised | −4.1 [−6.0, −2.2] worse | …``; None where no difference has an interval."""
    if not any(difference.verdict for difference in table.differences):
        return None
    several = len({row.backbone for row in table.rows}) > 1
    pairs = list(dict.fromkeys((difference.row, difference.baseline) for difference in table.differences))
    found = {(one.row, one.baseline, one.column): one for one in table.differences}
    rows = []
    for row, baseline in pairs:
        name = f"{table.rows[row].label} − {table.rows[baseline].label}"
        name = f"{table.rows[row].backbone}: {name}" if several else name
        numbers = (_difference(found.get((row, baseline, column))) for column in range(len(table.columns)))
        rows.append((name, *numbers))
    return Words(("difference", *(column.title for column in table.columns)), tuple(rows), num_text=1)


def _number(value: float) -> str:
    """One decimal and a real minus sign, none before zero."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "−")


def _column(column: Column) -> str:
    if column.floor is None:
        return column.title
    return f"{column.title} ({_number(column.floor) if column.floor else 0})"


def _cell(cell: Cell, with_n: bool) -> str:
    if cell.value is None:
        return "–"
    text = _number(cell.value)
    if cell.std_error is not None:
        text += f" ± {_number(cell.std_error)}"
    if cell.cited:
        return f"{text} †"
    if with_n:
        text += f" (n = {cell.n}, {cell.over})" if cell.over else f" (n = {cell.n})"
    return text + (" *" if cell.mark else "")


def _cost(row: Row) -> str:
    seconds = row.cost_seconds
    if seconds is None:
        return "–" if row.pretraining == "–" else "unknown"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < _HOUR else f"{seconds / 3600:.1f} h"


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return "–"
    value = ("+" if difference.value > 0 else "") + _number(difference.value)
    if difference.low is None or difference.high is None:
        return f"{value} (n = 1, no verdict)"
    interval = f"[{_number(difference.low)}, {_number(difference.high)}]"
    return f"{value} {interval} {difference.verdict}"


def right_from(words: Words) -> Sequence[bool]:
    """For each column whether it is set flush right."""
    return [position >= words.num_text for position in range(len(words.header))]
