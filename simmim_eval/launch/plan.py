"""A suite as a list of runs, each with its id and the runs it needs; the last plan is kept beside the records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import PreparedRun, RunRequest, prepare
from simmim_eval.engine.recipe import find_config, read_config
from simmim_eval.errors import UserError
from simmim_eval.files import write_atomic
from simmim_eval.launch.cited import cited_record
from simmim_eval.launch.suite import Arm, CitedCell, Suite
from simmim_eval.records import InitKind, Record

__all__ = ["PlannedRun", "keep_plan", "kept_plan", "plan_suite"]


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
        cited: The record of a cell that is cited and not run.
    """

    run_id: str
    task: str
    title: str
    label: str
    request: RunRequest
    needs: tuple[str, ...] = ()
    cited: Record | None = None


Producers = dict[tuple[InitKind, int], PlannedRun]


def plan_suite(
    suite: Suite, data_root: Path, seeds: int | None = None, options: Mapping[str, Any] | None = None
) -> list[PlannedRun]:
    """All runs of a suite: pre-trainings, then for each fine-tuning seed every task from every kind of weights.

    Args:
        suite: The suite.
        data_root: Folder of the data, or, where the suite says in which folder which data are, of these folders.
        seeds: Fine-tuning seeds; default: the suite's.
        options: ``--cfg-options`` for every recipe.

    Raises:
        UserError: A recipe, an option, a checkpoint or the data root is wrong; nothing has run.
    """
    planner = _Planner(suite, data_root, options or {})
    runs: list[PlannedRun] = []
    for arm in suite.arms:
        producers = planner.pretrainings(arm)
        runs += producers.values()
        for seed in range(seeds or suite.seeds):
            for recipe, kind in product(arm.transfer, suite.inits):
                runs += planner.cell(arm, recipe, kind, seed, producers)
    if len(suite.arms) > 1:
        runs = [replace(run, label=f"{run.title}: {run.label}") for run in runs]
    return list({run.run_id: run for run in runs}.values())


@dataclass(frozen=True)
class _Planner:
    suite: Suite
    data_root: Path
    options: Mapping[str, Any]

    def pretrainings(self, arm: Arm) -> Producers:
        """The runs that make initial weights, by kind and seed, in the order in which they need each other."""
        made: Producers = {}
        for kind, how in arm.runs_of(self.suite.inits).items():
            for seed in range(self.suite.pretraining_seeds):
                source, needs = self._source(arm, how.init, made.get((how.init, seed)))
                request = replace(self._request(how.recipe, source, seed), **_produced(needs, seed))
                label = f"pre-training: {kind}" + (f", seed {seed}" if self.suite.pretraining_seeds > 1 else "")
                made[kind, seed] = _planned(prepare(request), label, needs)
        return made

    def cell(self, arm: Arm, recipe: str, kind: InitKind, seed: int, producers: Producers) -> list[PlannedRun]:
        """The runs of one cell with one fine-tuning seed: one, or one for each seed of the pre-training."""
        if cited := arm.cited_cell(recipe, kind):
            return [self._cited(recipe, cited)] if seed == 0 else []
        if arm.makes(kind, recipe):
            return []
        made: list[tuple[int | None, PlannedRun | None]]
        made = [(init_seed, run) for (made_kind, init_seed), run in producers.items() if made_kind == kind]
        found = []
        for init_seed, producer in made or [(None, None)]:
            source, needs = self._source(arm, kind, producer)
            request = replace(self._request(recipe, source, seed), **_produced(needs, init_seed))
            run = prepare(request)
            several = f", from pre-training seed {init_seed}" if self.suite.pretraining_seeds > 1 and producer else ""
            found.append(_planned(run, f"{run.task.name} from {kind}, seed {seed}{several}", needs))
        return found

    def _cited(self, recipe: str, cell: CitedCell) -> PlannedRun:
        run = prepare(self._request(recipe, InitSource("random"), 0))
        record = cited_record(run, cell)
        label = f"{run.task.name} from {cell.init}: cited"
        return replace(_planned(run, label), run_id=record.run_id, cited=record)

    def _source(self, arm: Arm, kind: InitKind, producer: PlannedRun | None) -> tuple[InitSource, tuple[str, ...]]:
        if producer is not None:
            return InitSource(kind, f"run:{producer.run_id}"), (producer.run_id,)
        return InitSource(kind, arm.checkpoints.get(kind)), ()

    def _request(self, recipe: str, source: InitSource, seed: int) -> RunRequest:
        folder = self.suite.data.get(read_config(find_config(recipe)).get("data"), "") if self.suite.data else ""
        return RunRequest(recipe, source, self.data_root / folder, seed, options=self.options)


def _produced(needs: tuple[str, ...], seed: int | None) -> dict[str, Any]:
    return {"produced_by": needs[0], "init_seed": seed} if needs else {}


def keep_plan(suite: str, plan: list[PlannedRun], root: Path) -> None:
    """Write down in ``plans/`` which runs a suite has, and what they need, for when the data are not at hand.

    Raises:
        UserError: It cannot be written.
    """
    path = _plan_file(suite, root)
    try:
        write_atomic(path, json.dumps({run.run_id: run.needs for run in plan}, indent=1) + "\n", overwrite=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}). Free or choose another folder.") from error


def kept_plan(suite: str, root: Path) -> dict[str, list[str]]:
    """The ids of a suite's runs, as planned last in this folder, to the ids that each needs.

    Raises:
        UserError: The suite never ran in this folder.
    """
    path = _plan_file(suite, root)
    try:
        plan: dict[str, list[str]] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise UserError(f"{path}: no plan of {suite} is kept there. Give the --work-dir of its suite run.") from None
    return plan


def _plan_file(suite: str, root: Path) -> Path:
    return root / "plans" / f"{Path(suite).stem}.json"


def _planned(run: PreparedRun, label: str, needs: tuple[str, ...] = ()) -> PlannedRun:
    return PlannedRun(run.run_id, run.task.name, run.config.title, label, run.request, needs)
