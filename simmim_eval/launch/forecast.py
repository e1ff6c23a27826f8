"""What a suite would cost, run by run, on data that need not be there."""

from collections.abc import Mapping
from dataclasses import dataclass
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
        runs: How many; 0 where a number is cited.
        plan: What one of them costs.
        cited: The number that is not measured.
    """

    label: str
    recipe: str
    needs: InitKind | None
    checkpoint: str | None
    runs: int
    plan: DryRun
    cited: CitedCell | None = None

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
    rows = [row for arm in suite.arms for row in (*forecaster.pretrainings(arm), *forecaster.transfers(arm))]
    return list({(row.label, row.recipe, row.checkpoint): row for row in rows}.values())


@dataclass(frozen=True)
class _Forecaster:
    suite: Suite
    seeds: int
    options: Mapping[str, Any]
    processes: int
    data_root: Path | None
    plans: dict[str, DryRun]  # a recipe costs the same from any initialisation

    def pretrainings(self, arm: Arm) -> list[ForecastRow]:
        """The runs that make initial weights, each after those that it needs."""
        needed = arm.runs_of(self.suite.inits)
        return [
            self._row(arm, how.recipe, f"pre-training: {kind}", how.init, self.suite.pretraining_seeds)
            for kind, how in needed.items()
        ]

    def transfers(self, arm: Arm) -> list[ForecastRow]:
        """Every task from every kind of weights; from each of those that have several seeds."""
        needed, rows = arm.runs_of(self.suite.inits), []
        for recipe, kind in product(arm.transfer, self.suite.inits):
            if arm.makes(kind, recipe) and not arm.cited_cell(recipe, kind):
                continue
            runs = self.seeds * (self.suite.pretraining_seeds if kind in needed else 1)
            rows.append(self._row(arm, recipe, f"{self._plan(recipe).config.task} from {kind}", kind, runs))
        return rows

    def _row(self, arm: Arm, recipe: str, label: str, kind: InitKind, runs: int) -> ForecastRow:
        """Runs from weights of a kind, or the cell that is cited."""
        plan = self._plan(recipe)
        label = f"{plan.config.title}: {label}" if len(self.suite.arms) > 1 else label
        if cell := arm.cited_cell(recipe, kind):
            return ForecastRow(label, recipe, None, None, 0, plan, cell)
        needs = kind if kind in arm.runs_of(self.suite.inits) else None
        return ForecastRow(label, recipe, needs, arm.checkpoints.get(kind), runs, plan)

    def _plan(self, recipe: str) -> DryRun:
        if recipe not in self.plans:
            folder = self.suite.data.get(read_config(find_config(recipe)).get("data"), "")
            root = None if self.data_root is None else self.data_root / folder
            self.plans[recipe] = dry_run(recipe, self.options, processes=self.processes, data_root=root)
        return self.plans[recipe]
