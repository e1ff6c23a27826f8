"""The table as CSV, one line a cell, for spreadsheets and data frames."""

import csv
import io
from typing import Any

from simmim_eval.results.table import Difference, Table

__all__ = ["to_csv"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BASELINES = ("supervised", "random")


def to_csv(table: Table) -> str:
    """All cells in the order of rows, then columns; empty where there is nothing to say.

    Numbers are written in full. A text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    file = io.StringIO()
    lines = [_line(table, i, j) for i in range(len(table.rows)) for j in range(len(table.columns))]
    writer = csv.DictWriter(file, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _guard(value) for name, value in line.items()} for line in lines)
    return file.getvalue()


def _line(table: Table, i: int, j: int) -> dict[str, Any]:
    row, column, cell = table.rows[i], table.columns[j], table.rows[i].cells[j]
    line = {
        "backbone": row.backbone,
        "init": row.init,
        "label": row.label,
        "pretraining": row.pretraining,
        "cost_seconds": row.cost_seconds,
        "task": column.task,
        "metric": column.metric,
        "title": column.title,
        "unit": column.unit,
        "higher_is_better": column.higher_is_better,
        "floor": column.floor,
        "num_samples": column.num_samples,
        "value": cell.value,
        "std_error": cell.std_error,
        "n": cell.n,
        "over": cell.over,
        "method": cell.method,
        "missing": cell.missing,
        "mark": cell.mark,
        "cited": cell.cited,
        "run_ids": " ".join(cell.run_ids),
    }
    for kind in _BASELINES:
        line |= _difference(kind, _find(table, i, j, kind))
    return line


def _find(table: Table, i: int, j: int, kind: str) -> Difference | None:
    found = (one for one in table.differences if (one.row, one.column) == (i, j))
    return next((one for one in found if table.rows[one.baseline].init == kind), None)


def _difference(kind: str, found: Difference | None) -> dict[str, Any]:
    fields = ("value", "low", "high", "n", "verdict")
    return {f"minus_{kind}_{field}": getattr(found, field, None) for field in fields}


def _guard(value: object) -> object:
    if not isinstance(value, str):
        return value
    guarded = f"'{value}" if value.startswith(_FORMULA) else value
    return guarded.replace("\r", " ")  # the writer would leave it bare, and a reader end the line there
