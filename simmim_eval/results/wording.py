"""The sentences around a table: heading, notes, footer."""

from collections.abc import Sequence

from simmim_eval.results.pretraining import ancestors, init_label, overlap
from simmim_eval.results.selection import Selection
from simmim_eval.results.table import Cell, Column, Difference, Row

__all__ = ["footer", "heading", "n_varies", "notes"]

_ENOUGH_PRETRAININGS = 3


def heading(title: str, rows: Sequence[Row], caption: str | None) -> str:
    """Title · backbone, if there is one · n and what ± means · caption."""
    backbones = {row.backbone for row in rows}
    parts = [title, *(backbones if len(backbones) == 1 else ()), _meaning(rows), *([caption] if caption else [])]
    return " · ".join(parts)


def footer(reproduce: str, selection: Selection, *, marked: bool) -> str:
    """What the brackets are, the command, and how many records of which kind."""
    transfers = [record for record in selection.shown if record.kind == "transfer"]
    cited = len(selection.shown) - len(transfers)
    pretrainings = ancestors(transfers, selection.producers) - {record.run_id for record in transfers}
    total = len(transfers) + len(pretrainings) + cited
    counts = f"{_count(len(pretrainings), 'pre-training')}, {_count(len(transfers), 'transfer')}"
    counts += f", {cited} cited" if cited else ""
    records = f"{_count(total, 'record')} ({counts})" + ("" if marked else ", one protocol a column")
    return f"floor in brackets · reproduce: {reproduce} · {records}"


def notes(
    rows: Sequence[Row], columns: Sequence[Column], differences: Sequence[Difference], selection: Selection
) -> list[str]:
    """What must be said of these numbers: kind of error, limits of the comparison, marks, what is missing."""
    return [
        *_methods(rows, columns),
        *_limits(differences, selection),
        *_marks(rows, columns),
        *_cited(rows, columns),
        *_missing(rows, columns),
        *_unfinished(rows, selection),
    ]


def n_varies(rows: Sequence[Row]) -> bool:
    """Whether each cell has to state its own n: they differ, or ± is over several things in one row."""
    filled = [[cell for cell in row.cells if _is_measured(cell)] for row in rows]
    over = [{cell.over for cell in cells if cell.over} for cells in filled]
    return len({cell.n for cells in filled for cell in cells}) > 1 or any(len(one) > 1 for one in over)


def _meaning(rows: Sequence[Row]) -> str:
    filled = [(cell, row.label) for row in rows for cell in row.cells if _is_measured(cell)]
    numbers = sorted({cell.n for cell, _ in filled})
    if n_varies(rows):
        return f"n = {numbers[0]} to {numbers[-1]} (n and what ± is over in each cell)"
    over: dict[str, list[str]] = {}
    for cell, label in filled:
        if cell.over and label not in over.setdefault(cell.over, []):
            over[cell.over].append(label)
    if numbers == [1]:
        return f"n = 1 (± over {' and '.join(over)}, no verdict)" if over else "n = 1 (no verdict)"
    parts = [f"{seeds} ({', '.join(labels)})" if len(over) > 1 else seeds for seeds, labels in over.items()]
    return f"n = {numbers[0]} (± standard error over {' and '.join(parts)})"


def _methods(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """How errors over images were found, columns of one method together."""
    methods: dict[str, list[str]] = {}
    for j, column in enumerate(columns):
        for method in dict.fromkeys(row.cells[j].method for row in rows):
            if method:
                methods.setdefault(method, []).append(column.title)
    parts = [f"{', '.join(titles)}: {method}" for method, titles in methods.items()]
    return [f"± over images is the standard error of one run's number ({'; '.join(parts)})"] if parts else []


def _limits(differences: Sequence[Difference], selection: Selection) -> list[str]:
    found = []
    if any(difference.verdict for difference in differences):
        found.append(
            "differences: paired over equal seeds, 95 % Student-t interval; "
            "verdicts are not corrected for the number of comparisons"
        )
    lines = [line for line in selection.lines if line.records]
    for line in lines:
        weights = {record.init.weights for record in line.records if record.init.weights}
        if any(len(cell) > 1 for cell in line.cells) and 0 < len(weights) < _ENOUGH_PRETRAININGS:
            runs = "one pre-training run" if len(weights) == 1 else f"{len(weights)} pre-training runs"
            found.append(f"{init_label(line.records[0].init)}: conditional on {runs}")
    for line in lines:
        seen = overlap(line.records) if line.records[0].init.weights else None
        if seen:
            label = init_label(line.records[0].init)
            found.append(f"{label}: overlap of its pre-training with the evaluation data: {seen}")
    return found


def _marks(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    return [f"* {where}: {cell.mark}; not compared" for where, cell in _cells(rows, columns) if cell.mark]


def _cited(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    cells = _cells(rows, columns)
    return [f"† {where}: cited, not measured here ({cell.cited})" for where, cell in cells if cell.cited]


def _is_measured(cell: Cell) -> bool:
    return cell.value is not None and cell.cited is None


def _missing(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    return [f"– {where}: {cell.missing}" for where, cell in _cells(rows, columns) if cell.missing]


def _unfinished(rows: Sequence[Row], selection: Selection) -> list[str]:
    """Runs that should have been in a cell that has others."""
    told = " ".join(cell.missing for row in rows for cell in row.cells if cell.missing)
    return [
        f"{attempt.title}, {attempt.init_kind}, {attempt.task}, seed {attempt.seed}: run {attempt.run_id} "
        f"{attempt.status}" + (f": {attempt.error}" if attempt.error else "")
        for attempt in selection.unfinished
        if attempt.run_id not in told
    ]


def _cells(rows: Sequence[Row], columns: Sequence[Column]) -> list[tuple[str, Cell]]:
    several = len({row.backbone for row in rows}) > 1
    names = [f"{row.backbone}, {row.label}" if several else row.label for row in rows]
    return [
        (f"{name}, {column.title}", cell)
        for name, row in zip(names, rows, strict=True)
        for column, cell in zip(columns, row.cells, strict=True)
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
