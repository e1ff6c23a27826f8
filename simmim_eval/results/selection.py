"""Which records a table is about, laid out in its lines and columns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from simmim_eval.errors import RecordError, nearest
from simmim_eval.records import INIT_KINDS, Attempt, InitKind, Record, equal_records
from simmim_eval.results.comparability import flatten
from simmim_eval.results.pretraining import row_key
from simmim_eval.results.store import Store
from simmim_eval.results.table import ColumnSpec

__all__ = ["Line", "Selection", "select"]


@dataclass(frozen=True)
class Line:
    """The records of one row: all of them, and those of each column (empty where there are none)."""

    backbone: str
    init: InitKind
    records: tuple[Record, ...]
    cells: tuple[tuple[Record, ...], ...]


@dataclass(frozen=True)
class Selection:
    """Lines in the order of the table, all runs by id, last attempts at runs without a record."""

    lines: tuple[Line, ...]
    producers: Mapping[str, Record]
    unfinished: tuple[Attempt, ...]

    def own_runs(self, line: Line, spec: ColumnSpec) -> list[Record]:
        """The runs that made a line's weights, where they measured what the column asks for, under its protocol.

        Fine-tuning weights again on the labels that they were trained on is no transfer: the cell of a supervised
        initialisation on its own data set is the number of the run that made it.
        """
        column = self._column_of(spec)
        made = {record.init.weights: self.producers.get(record.init.weights or "") for record in line.records}
        return [
            run
            for run in made.values()
            if run is not None and column is not None and run.protocol == column.protocol and run.metric(spec.metric)
        ]

    def _column_of(self, spec: ColumnSpec) -> Record | None:
        """Any run of a column."""
        measured = [record for record in self.shown if record.kind == "transfer" and record.metric(spec.metric)]
        return next((record for record in measured if record.protocol.task == spec.task), None)

    @property
    def shown(self) -> list[Record]:
        """All records in cells, each once."""
        cells = [cell for line in self.lines for cell in line.cells]
        return list({record.run_id: record for cell in cells for record in cell}.values())


def select(
    stores: Sequence[Store],
    columns: Sequence[ColumnSpec],
    filters: Mapping[str, object],
    inits: Sequence[InitKind],
) -> Selection:
    """Transfer records of the columns' tasks that pass the filters, and cited ones.

    Args:
        stores: One run in two stores counts once.
        columns: Their tasks and metrics decide what is of interest.
        filters: Dotted field of a record to a value or a collection of values, compared as text.
        inits: Kinds that get a line even if they have no record.

    Raises:
        RecordError: A record is broken, two contradict each other, a filter names no field, nothing passes, or
            some runs of a cell lack its metric.
    """
    merged = _merge(stores)
    tasks = {spec.task for spec in columns}
    transfers = [record for record in merged.values() if record.kind != "pretrain" and record.protocol.task in tasks]
    chosen = _filtered(transfers, filters)
    if not chosen:
        places = ", ".join(str(store.root) for store in stores)
        raise RecordError(f"{places}: no transfer record of {', '.join(sorted(tasks))} matches. Run the suite first.")
    unfinished = [attempt for attempt in _last_attempts(stores, merged) if attempt.task in tasks]
    producers = {record.run_id: record for record in merged.values() if record.kind != "cited"}
    return Selection(tuple(_lines(chosen, columns, inits)), producers, tuple(unfinished))


def _merge(stores: Sequence[Store]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for store in stores:
        for record in store.records():
            known = found.setdefault(record.run_id, record)
            if known is not record and not equal_records(known, record):
                raise RecordError(
                    f"{store.record_path(record.run_id)}: another store holds the same run with another outcome. "
                    "Remove one of the two files."
                )
    return found


def _filtered(records: list[Record], filters: Mapping[str, object]) -> list[Record]:
    if not filters:
        return records
    flat = [flatten(record) for record in records]
    known = {name for fields in flat for name in fields}
    passing = list(range(len(records)))
    for field, wanted in filters.items():
        if records and field not in known:
            raise RecordError(f"filter {field}: no record has such a field ({nearest(field, known)}). Mend the name.")
        values = wanted if isinstance(wanted, Collection) and not isinstance(wanted, str) else [wanted]
        words = set(map(str, values))
        passing = [i for i in passing if field in flat[i] and str(flat[i][field]) in words]
    return [records[i] for i in passing]


def _last_attempts(stores: Sequence[Store], recorded: Collection[str]) -> list[Attempt]:
    last: dict[str, Attempt] = {}
    for store in stores:
        for run_id in store.attempted():
            if run_id in recorded:
                continue
            for attempt in store.attempts(run_id):
                if run_id not in last or attempt.ended >= last[run_id].ended:
                    last[run_id] = attempt
    return list(last.values())


def _lines(records: Sequence[Record], columns: Sequence[ColumnSpec], inits: Sequence[InitKind]) -> list[Line]:
    """By backbone, then by kind of initialisation, then by run id."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        if record.kind != "cited":
            groups.setdefault(row_key(record), []).append(record)
    for record in records:
        if record.kind == "cited":
            same = [key for key, (first, *_) in groups.items() if _place(first) == _place(record)]
            groups.setdefault(same[0] if len(same) == 1 else row_key(record), []).append(record)
    lines = []
    for group in groups.values():
        group.sort(key=lambda record: (record.init_seed is not None, record.init_seed or 0, record.seed))
        cells = tuple(_cell(group, spec) for spec in columns)
        lines.append(Line(group[0].title, group[0].init.kind, tuple(group), cells))
    there = {(line.backbone, line.init) for line in lines}
    titles = dict.fromkeys(line.backbone for line in lines)
    empty = ((),) * len(columns)
    lines += [Line(title, kind, (), empty) for title in titles for kind in inits if (title, kind) not in there]
    return sorted(lines, key=lambda line: (line.backbone, INIT_KINDS.index(line.init)))


def _place(record: Record) -> tuple[str, InitKind]:
    return record.title, record.init.kind


def _cell(group: Sequence[Record], spec: ColumnSpec) -> tuple[Record, ...]:
    """The runs of a cell; a cited record where there is no run, and only under the metric that it cites."""
    runs = [record for record in group if record.protocol.task == spec.task and record.kind == "transfer"]
    if not runs:
        cited = [record for record in group if record.protocol.task == spec.task and record.metric(spec.metric)]
        return tuple(cited[:1])
    having = [record for record in runs if record.metric(spec.metric) is not None]
    if having and len(having) < len(runs):
        lacking = next(record for record in runs if record not in having)
        raise RecordError(
            f"record {lacking.run_id}: has no metric {spec.metric}, which {having[0].run_id} has. "
            "Run it again, or filter it out."
        )
    return tuple(having)
