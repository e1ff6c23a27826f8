"""Planned runs and records without any training, for what only moves them about."""

from dataclasses import replace
from pathlib import Path

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest
from simmim_eval.launch.plan import PlannedRun


def planned(number: int, needs: tuple[int, ...] = (), **changes) -> PlannedRun:
    """Run ``number``, in need of others."""
    request = RunRequest("classification/x.py", InitSource("random"), Path("data"), **changes)
    return PlannedRun(name(number), "classification", "Swin-nano", f"run {number}", request, tuple(map(name, needs)))


def name(number: int) -> str:
    return f"{number:016x}"


def from_run(number: int, producer: int) -> PlannedRun:
    """A run that starts from another's weights."""
    run = planned(number, (producer,), produced_by=name(producer), init_seed=0)
    return replace(run, request=replace(run.request, init=InitSource("simmim", f"run:{name(producer)}")))
