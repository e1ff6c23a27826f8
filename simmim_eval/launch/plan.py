"""A suite as a list of runs, each with its id and the runs it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import PreparedRun, RunRequest, prepare
from simmim_eval.launch.suite import Suite
from simmim_eval.records import InitKind

__all__ = ["PlannedRun", "plan_suite"]

PRETRAINING_SEED = 0


@dataclass(frozen=True)
class PlannedRun:
    """One run of a suite.

    Attributes:
        run_id: Its id.
        task: Name of its task.
        title: The backbone as tables print it.
        label: What a person calls it: ``detection from simmim, seed 0``.
        request: What to run.
        needs: Ids of the runs that must be done first.
    """

    run_id: str
    task: str
    title: str
    label: str
    request: RunRequest
    needs: tuple[str, ...] = ()


def plan_suite(suite: Suite, data_root: Path, seeds: int, options: Mapping[str, Any]) -> list[PlannedRun]:
    """All runs of a suite: one pre-training a kind, then for each fine-tuning seed every task from every kind.

    Raises:
        UserError: A recipe, an option or the data root is wrong; nothing has run.
    """
    producers = {}
    for kind in suite.inits:
        if kind in suite.pretraining:
            request = RunRequest(
                suite.pretraining[kind], InitSource("random"), data_root, PRETRAINING_SEED, options=options
            )
            producers[kind] = _planned(prepare(request), f"pre-training: {kind}")
    runs = list(producers.values())
    for seed in range(seeds):
        for recipe in suite.transfer:
            for kind in suite.inits:
                runs.append(_transfer(recipe, kind, producers.get(kind), data_root, seed, options))
    return runs


def _transfer(
    recipe: str, kind: InitKind, producer: PlannedRun | None, data_root: Path, seed: int, options: Mapping[str, Any]
) -> PlannedRun:
    source = InitSource(kind, f"run:{producer.run_id}" if producer else None)
    request = RunRequest(
        config=recipe,
        init=source,
        data_root=data_root,
        seed=seed,
        options=options,
        produced_by=producer.run_id if producer else None,
        init_seed=PRETRAINING_SEED if producer else None,
    )
    run = prepare(request)
    return _planned(run, f"{run.task.name} from {kind}, seed {seed}", (producer.run_id,) if producer else ())


def _planned(run: PreparedRun, label: str, needs: tuple[str, ...] = ()) -> PlannedRun:
    return PlannedRun(run.run_id, run.task.name, run.config.title, label, run.request, needs)
