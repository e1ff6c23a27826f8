"""What a suite would cost, run by run, on data that need not be there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from simmim_eval.engine.dry_run import DryRun, dry_run
from simmim_eval.engine.recipe import find_config, read_config
from simmim_eval.launch.suite import Arm, CitedCell, Suite
from simmim_eval.records import InitKind

__all__ = ["ForecastRow", "forecast"]


@dataclass(frozen=True)
class ForecastRow:
    """Runs of a suite that differ in their seeds alone.

    Attributes:
        label: What a person calls them, as ``suite status`` does.
        recipe: Their recipe, as the suite names it.
        needs: The kind of initialisation whose pre-training must be done first; None where none must.
        checkpoint: What is given instead.
        runs: How many; 0 where a number is cited, or where they are runs of another row.
        plan: What one of them costs.
        cited: The number that is not measured.
        same_as: The label of the other row.
    """

    label: str
    recipe: str
    needs: InitKind | None
    checkpoint: str | None
    runs: int
    plan: DryRun
    cited: CitedCell | None = None
    same_as: str | None = None

    @property
    def images(self) -> int:
        """Samples that all of them train on."""
        return self.runs * self.plan.length.images

    @property
    def flops(self) -> int:
        """Of all of them, evaluation included."""
        return self.runs * self.plan.flops


def forecast(
    suite: Suite,
    seeds: int | None,
    options: Mapping[str, Any],
    *,
    processes: int = 1,
    data_root: Path | None = None,
) -> list[ForecastRow]:
    """The runs that :func:`~simmim_eval.launch.plan.plan_suite` plans, in its order, without their data.

    Args:
        suite: The suite.
        seeds: Fine-tuning seeds; None: the suite's.
        options: ``--cfg-options``, for every recipe.
        processes: Processes of a run.
        data_root: As for a suite run; a recipe whose data are not there is planned with published counts.

    Raises:
        UserError: A recipe or an option is wrong, or processes cannot share a batch.
    """
    forecaster = _Forecaster(suite, seeds or suite.seeds, options, processes, data_root, {})
    runs = [run for arm in suite.arms for run in forecaster.runs(arm)]
    owners = {run.key: run.label for run in runs}  # a fine-tuning that also gives weights is one run
    rows = {}
    for run in runs:
        own = sum(label == run.label for label in owners.values())
        same = None if own else owners[run.key]
        number = 0 if run.cited else own
        plan = forecaster.plan(run.recipe)
        rows[run.label] = ForecastRow(run.label, run.recipe, run.needs, run.checkpoint, number, plan, run.cited, same)
    return list(rows.values())


@dataclass(frozen=True)
class _Run:
    """One run; ``key`` is equal for equal runs."""

    label: str
    recipe: str
    needs: InitKind | None
    checkpoint: str | None
    key: tuple[object, ...]
    cited: CitedCell | None = None


@dataclass(frozen=True)
class _Forecaster:
    suite: Suite
    seeds: int
    options: Mapping[str, Any]
    processes: int
    data_root: Path | None
    plans: dict[str, DryRun]  # a recipe costs the same from any initialisation

    def runs(self, arm: Arm) -> Iterator[_Run]:
        """Of an arm: those that make initial weights, each after those that it needs, then the transfers."""
        made: dict[tuple[InitKind, int], _Run] = {}
        for kind, how in arm.runs_of(self.suite.inits).items():
            for seed in range(self.suite.pretraining_seeds):
                run = self._run(arm, how.recipe, f"pre-training: {kind}", how.init, seed, made.get((how.init, seed)))
                made[kind, seed] = run
                yield run
        for seed in range(self.seeds):
            for recipe, kind in product(arm.transfer, self.suite.inits):
                label = f"{self.plan(recipe).config.task} from {kind}"
                if cell := arm.cited_cell(recipe, kind):
                    yield replace(self._run(arm, recipe, label, kind, 0, None), checkpoint=None, cited=cell)
                elif not arm.makes(kind, recipe):
                    producers: list[_Run | None] = [run for (of, _), run in made.items() if of == kind]
                    for producer in producers or [None]:
                        yield self._run(arm, recipe, label, kind, seed, producer)

    def _run(self, arm: Arm, recipe: str, label: str, kind: InitKind, seed: int, producer: _Run | None) -> _Run:
        title = f"{self.plan(recipe).config.title}: " if len(self.suite.arms) > 1 else ""
        checkpoint = None if producer else arm.checkpoints.get(kind)
        source = producer.key if producer else checkpoint
        return _Run(title + label, recipe, kind if producer else None, checkpoint, (recipe, kind, source, seed))

    def plan(self, recipe: str) -> DryRun:
        """What one run of a recipe costs."""
        if recipe not in self.plans:
            folder = self.suite.data.get(read_config(find_config(recipe)).get("data"), "")
            root = None if self.data_root is None else self.data_root / folder
            self.plans[recipe] = dry_run(recipe, self.options, processes=self.processes, data_root=root)
        return self.plans[recipe]
