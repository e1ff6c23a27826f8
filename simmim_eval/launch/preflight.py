"""How long what is left of a suite will take, told before it starts."""

from collections.abc import Sequence
from statistics import median

from simmim_eval.engine.recipe import find_config, read_config
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.results.store import Store

__all__ = ["estimate_seconds", "preflight"]

MINUTE, HOUR = 60, 3600


def preflight(plan: Sequence[PlannedRun], store: Store, jobs: int) -> str:
    """``72 runs, 3 done already; about 55 min for the rest, 2 at a time``."""
    done = sum(store.has(run.run_id) for run in plan)
    text = f"{len(plan)} runs, {done} done already"
    if done == len(plan):
        return text
    seconds, unknown = estimate_seconds(plan, store, jobs)
    if not seconds:
        return f"{text}; nothing is known of their time (simmim-eval plan says what they cost)"
    time = f"{seconds / HOUR:.1f} h" if seconds > 2 * HOUR else f"{max(seconds / MINUTE, 1):.0f} min"
    rest = f"; nothing is known of {unknown} runs" if unknown else ""
    return f"{text}; about {time} for the rest, {jobs} at a time{rest}"


def estimate_seconds(plan: Sequence[PlannedRun], store: Store, jobs: int) -> tuple[float, int]:
    """Wall time of the runs that the store lacks, ``jobs`` at a time, and how many of them nothing is known of.

    A run takes what completed runs of its recipe took in this store, the median of them; else the ``seconds`` that
    its recipe states, measured on one core.
    """
    taken: dict[str, list[float]] = {}
    for record in store.records():
        if record.kind != "cited":
            taken.setdefault(record.name, []).append(record.cost.seconds)
    total, unknown = 0.0, 0
    for run in plan:
        if store.has(run.run_id) or run.cited:
            continue
        path = find_config(run.request.config)
        stated = read_config(path).get("seconds")
        seconds = median(taken[path.stem]) if path.stem in taken else stated
        total, unknown = total + (seconds or 0), unknown + (seconds is None)
    return total / jobs, unknown
