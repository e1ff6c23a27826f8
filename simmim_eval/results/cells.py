"""Runs to numbers: one cell from the runs of one row and column, and the paired difference of two cells."""

from collections.abc import Sequence

from simmim_eval.errors import RecordError
from simmim_eval.records import Record
from simmim_eval.results.statistics import PairedDifference, mean_and_std_error, paired_difference
from simmim_eval.results.table import Cell

__all__ = ["difference_of", "make_cell"]

_FINE_TUNING = "fine-tuning seeds"
_PRE_TRAINING = "pre-training seeds"


def make_cell(records: Sequence[Record], metric: str) -> Cell:
    """The cell of runs that differ in their seeds alone, all with ``metric``.

    Runs of one pre-training are averaged first where there are several pre-trainings: only those are independent.

    Raises:
        RecordError: Two runs have the same seeds.
    """
    run_ids = tuple(record.run_id for record in records)
    if len(records) == 1:
        only = records[0].metric(metric)
        if only is None:
            raise RecordError(f"record {run_ids[0]}: has no metric {metric!r}. Run it again.")
        if records[0].kind == "cited":
            return Cell(only.value, cited=records[0].init.source, run_ids=run_ids)
        return Cell(only.value, only.std_error, 1, only.std_error_over, only.std_error_method, run_ids=run_ids)
    seen: dict[tuple[int | None, int], Record] = {}
    for record in records:
        twin = seen.setdefault((record.init_seed, record.seed), record)
        if twin is not record:
            raise RecordError(
                f"records {twin.run_id} and {record.run_id}: the same seed {record.seed} twice, from "
                f"{twin.init.source} and {record.init.source}. Filter the records so that one remains."
            )
    over = _over(records)
    values = list(_by_seed(records, metric, over).values())
    value, std_error = mean_and_std_error(values)
    return Cell(value, std_error, len(values), over, run_ids=run_ids)


def difference_of(
    ours: Sequence[Record], theirs: Sequence[Record], metric: str, *, higher_is_better: bool
) -> PairedDifference | None:
    """``ours - theirs`` over the seeds that both have; None if they share none.

    Pairs are made by the seed of the pre-training where both rows have several, else by that of the run.
    """
    over = _PRE_TRAINING if _over(ours) == _over(theirs) == _PRE_TRAINING else _FINE_TUNING
    one, other = _by_seed(ours, metric, over), _by_seed(theirs, metric, over)
    shared = sorted(one.keys() & other.keys())
    if not shared:
        return None
    left, right = [one[seed] for seed in shared], [other[seed] for seed in shared]
    return paired_difference(left, right, higher_is_better=higher_is_better)


def _over(records: Sequence[Record]) -> str:
    several = len({record.init_seed for record in records if record.init_seed is not None}) > 1
    return _PRE_TRAINING if several else _FINE_TUNING


def _by_seed(records: Sequence[Record], metric: str, over: str) -> dict[int, float]:
    """Mean value for each seed of the kind that ``over`` says."""
    groups: dict[int, list[float]] = {}
    for record in records:
        seed = record.init_seed if over == _PRE_TRAINING else record.seed
        found = record.metric(metric)
        if found is not None and seed is not None:
            groups.setdefault(seed, []).append(found.value)
    return {seed: sum(values) / len(values) for seed, values in sorted(groups.items())}
