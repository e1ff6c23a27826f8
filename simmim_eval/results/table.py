"""The table between the query and the views: numbers, what they mean, and why one is missing; no layout."""

from dataclasses import dataclass

from simmim_eval.records import InitKind
from simmim_eval.results.statistics import Verdict

__all__ = ["COLUMNS", "Cell", "Column", "ColumnSpec", "Difference", "Row", "Table"]


@dataclass(frozen=True)
class ColumnSpec:
    """What a column asks for: the metric ``metric`` (``box_ap``) of the task ``task``, under a ``title``."""

    task: str
    metric: str
    title: str


@dataclass(frozen=True)
class Column:
    """A column with what is equal in all its cells; unit, floor and the rest are None if every cell is missing."""

    task: str
    metric: str
    title: str
    unit: str | None = None
    floor: float | None = None
    higher_is_better: bool | None = None
    num_samples: int | None = None


@dataclass(frozen=True)
class Cell:
    """One number.

    Attributes:
        value: Mean over ``n`` runs; None if there is none.
        std_error: Of the mean over runs if ``n`` > 1, else of the metric over images; None if not known.
        n: Runs that count as independent.
        over: What ``std_error`` is over: ``images``, ``fine-tuning seeds`` or ``pre-training seeds``.
        method: How an error over images was found.
        missing: Why there is no value.
        mark: Why the value must not be compared with the others of its column.
        cited: Where the value was published; None for a measured one. A cited value is compared with nothing.
        run_ids: The runs behind the value.
    """

    value: float | None = None
    std_error: float | None = None
    n: int = 0
    over: str | None = None
    method: str | None = None
    missing: str | None = None
    mark: str | None = None
    cited: str | None = None
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One initialisation of one backbone.

    Attributes:
        backbone: Label of the backbone.
        init: Kind of the initial weights.
        label: The same for readers, with the source where two rows would read alike.
        pretraining: ``28.8k images, labels``; ``–`` for random weights.
        cost_seconds: Of the pre-training and those before it; None where there was none, or it is not known.
        cells: One a column.
    """

    backbone: str
    init: InitKind
    label: str
    pretraining: str
    cost_seconds: float | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Difference:
    """A cell minus that of a baseline row, over the same seeds; row, column and baseline are positions."""

    row: int
    column: int
    baseline: int
    value: float
    low: float | None
    high: float | None
    n: int
    verdict: Verdict | None


@dataclass(frozen=True)
class Table:
    """All that a view may show.

    Attributes:
        heading: Title, backbone, n and what ± means, caption.
        columns, rows: In order.
        differences: To supervised and to random initialisation, by row, then column.
        notes: Sentences under the table.
        footer: Floor, command, counts of records.
        n_varies: Whether n and what ± is over has to be shown in each cell; else the heading tells it.
    """

    heading: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    footer: str
    n_varies: bool


COLUMNS = (
    ColumnSpec("classification", "top1", "top-1"),
    ColumnSpec("detection", "box_ap", "box AP"),
    ColumnSpec("detection", "mask_ap", "mask AP"),
    ColumnSpec("segmentation", "miou", "mIoU"),
    ColumnSpec("recognition", "top1", "video top-1"),
)
"""The columns of a results table, unless a user asks for others."""
