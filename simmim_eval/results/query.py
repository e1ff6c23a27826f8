"""Records to one table. Every view shows what this query gives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from simmim_eval.errors import RecordError
from simmim_eval.records import InitKind, Record
from simmim_eval.results.cells import difference_of, make_cell
from simmim_eval.results.comparability import departures, mixture
from simmim_eval.results.pretraining import init_label, kind_label, pretraining_cost, pretraining_text
from simmim_eval.results.selection import Line, Selection, select
from simmim_eval.results.store import Store
from simmim_eval.results.table import Cell, Column, ColumnSpec, Difference, Row, Table
from simmim_eval.results.wording import footer, heading, n_varies
from simmim_eval.results.wording import notes as notes_on

__all__ = ["query"]

OnDeparture = Literal["refuse", "mark"]
Marks = list[list[str | None]]

OWN_RUN = "of the run that made these weights, on the same data; nothing was fine-tuned"

_DEFAULT_BASELINES: tuple[InitKind, ...] = ("supervised", "random")
_BASELINES: dict[InitKind, tuple[InitKind, ...]] = {"random": (), "supervised": ("random",), "from_scratch": ()}


def query(
    stores: Store | Sequence[Store],
    *,
    columns: Sequence[ColumnSpec],
    title: str,
    reproduce: str,
    caption: str | None = None,
    notes: Sequence[str] = (),
    filters: Mapping[str, object] | None = None,
    inits: Sequence[InitKind] = (),
    on_departure: OnDeparture = "refuse",
) -> Table:
    """The same-recipe table of all transfer records that pass the filters.

    Args:
        stores: Where the records are; one run in two stores counts once.
        columns: What to show, in order.
        title: First part of the heading.
        reproduce: The command that makes the records.
        caption: Last part of the heading.
        notes: Sentences that a reader of the numbers must know; the query adds its own.
        filters: Dotted field of a record, as ``protocol.data`` or ``init.kind``, to a value or a collection of them.
        inits: Rows to show even if they have no record.
        on_departure: What to do with a record that departs from its column in protocol, budget or profile:
            ``refuse`` the table, or ``mark`` the cell and compare it with nothing.

    Raises:
        RecordError: No record matches, a record is broken, two contradict each other, or one departs.
    """
    stores = [stores] if isinstance(stores, Store) else list(stores)
    selection = select(stores, columns, filters or {}, inits)
    marks = _marks(selection.lines, columns, on_departure)
    rows = _rows(selection, columns, marks)
    heads = [_column(spec, [line.cells[j] for line in selection.lines]) for j, spec in enumerate(columns)]
    differences = _differences(rows, selection.lines, heads)
    return Table(
        heading=heading(title, rows, caption),
        columns=tuple(heads),
        rows=tuple(rows),
        differences=tuple(differences),
        notes=(*notes, *notes_on(rows, heads, differences, selection)),
        footer=footer(reproduce, selection, marked=any(map(any, marks))),
        n_varies=n_varies(rows),
    )


def _marks(lines: Sequence[Line], columns: Sequence[ColumnSpec], on_departure: OnDeparture) -> Marks:
    """For each cell in which field it departs from its column; refused unless marks are asked for."""
    marks: Marks = [[None] * len(columns) for _ in lines]
    for j, spec in enumerate(columns):
        filled = [i for i, line in enumerate(lines) if line.cells[j] and line.cells[j][0].kind != "cited"]
        for i in filled:
            mixed = mixture(lines[i].cells[j], spec.metric)
            if mixed:
                ids = ", ".join(record.run_id for record in lines[i].cells[j])
                raise RecordError(
                    f"records {ids}: one cell of column {spec.title!r}, but they differ in {mixed}. Filter the records."
                )
        found = departures([lines[i].cells[j][0] for i in filled], spec.metric)
        for i, departure in zip(filled, found, strict=True):
            if departure and on_departure == "refuse":
                record = lines[i].cells[j][0]
                raise RecordError(
                    f"record {record.run_id} ({init_label(record.init)}): departs from the others of column "
                    f"{spec.title!r} in {departure}. A same-recipe table holds one protocol, budget and profile a "
                    "column: filter the records, or ask for marks."
                )
            marks[i][j] = departure and f"departs in {departure}"
    return marks


def _rows(selection: Selection, columns: Sequence[ColumnSpec], marks: Marks) -> list[Row]:
    lines, producers = selection.lines, selection.producers
    labels = [init_label(line.records[0].init) if line.records else kind_label(line.init) for line in lines]
    names = [(line.backbone, label) for line, label in zip(lines, labels, strict=True)]
    rows = []
    for line, label, marked in zip(lines, labels, marks, strict=True):
        cells = []
        for spec, records, mark in zip(columns, line.cells, marked, strict=True):
            if records:
                cells.append(replace(make_cell(records, spec.metric), mark=mark))
            elif own := selection.own_runs(line, spec):
                cells.append(replace(make_cell(own, spec.metric), mark=OWN_RUN))
            else:
                cells.append(Cell(missing=_reason(line, spec, selection)))
        if line.records and names.count((line.backbone, label)) > 1:
            label = f"{label} ({line.records[0].init.source})"
        rows.append(
            Row(
                backbone=line.backbone,
                init=line.init,
                label=label,
                pretraining=pretraining_text(line.records[0].init, producers) if line.records else "–",
                cost_seconds=pretraining_cost(line.records, producers),
                cells=tuple(cells),
            )
        )
    return rows


def _reason(line: Line, spec: ColumnSpec, selection: Selection) -> str:
    """Why the cell is empty."""
    for record in line.records:
        if record.protocol.task == spec.task:
            return f"record {record.run_id} has no metric {spec.metric}"
    for attempt in selection.unfinished:
        if (attempt.title, attempt.init_kind, attempt.task) == (line.backbone, line.init, spec.task):
            return f"run {attempt.run_id} {attempt.status}" + (f": {attempt.error}" if attempt.error else "")
    return "no record"


def _column(spec: ColumnSpec, cells: Sequence[Sequence[Record]]) -> Column:
    metric = next((record.metric(spec.metric) for records in cells for record in records), None)
    if metric is None:
        return Column(spec.task, spec.metric, spec.title)
    known = (metric.unit, metric.floor, metric.higher_is_better, metric.num_samples)
    return Column(spec.task, spec.metric, spec.title, *known)


def _differences(rows: Sequence[Row], lines: Sequence[Line], columns: Sequence[Column]) -> list[Difference]:
    """Each unmarked cell against the supervised and the random row of the same backbone."""
    found = []
    for i, row in enumerate(rows):
        baselines = [
            k
            for k, base in enumerate(rows)
            if base.backbone == row.backbone and base.init in _BASELINES.get(row.init, _DEFAULT_BASELINES)
        ]
        for j, column in enumerate(columns):
            for k in baselines:
                ours, theirs = lines[i].cells[j], lines[k].cells[j]
                both = (row.cells[j], rows[k].cells[j])
                if not (ours and theirs) or any(cell.mark or cell.cited for cell in both):
                    continue
                up = bool(column.higher_is_better)
                paired = difference_of(ours, theirs, column.metric, higher_is_better=up)
                if paired is not None:
                    numbers = (paired.value, paired.low, paired.high, paired.n, paired.verdict)
                    found.append(Difference(i, j, k, *numbers))
    return found
