"""Every recipe and every suite in configs/ is planned, without data: nothing is left out, and its sizes agree."""

import re
from functools import cache
from pathlib import Path

import pytest

import simmim_eval.launch.forecast
from simmim_eval.engine import dry_run as package
from simmim_eval.engine.dry_run import DryRun
from simmim_eval.launch.forecast import forecast
from simmim_eval.launch.suite import read_suite

ROOT = Path(__file__).parents[2] / "configs"
FAST = re.compile(r"swin-nano.*_demo$|^demo$")


def named(pattern: str):
    """A parameter for each config; the demo of one family is fast enough for every day."""
    names = [path.relative_to(ROOT) for path in sorted(ROOT.glob(pattern))]
    assert names
    slow = [pytest.mark.slow]
    return [pytest.param(str(name), id=name.stem, marks=[] if FAST.search(name.stem) else slow) for name in names]


RECIPES = [one for one in named("[!_]*/*.py") if not one.values[0].startswith("suites/")]


@cache
def planned(name: str) -> DryRun:
    return package.dry_run(name, {})


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name):
    plan = planned(name)
    assert not [note for note in plan.notes if "left out" in note]
    assert plan.length.steps > 0
    assert plan.length.epochs > 0
    assert plan.test_flops > 0
    assert plan.train_flops > 0
    assert plan.batch.micro * plan.batch.accumulation == plan.batch.effective
    assert sum(group.parameters for group in plan.groups) == plan.backbone + plan.rest
    assert plan.memory.optimizer is not None
    assert 0.4 < plan.memory.activations["amp"] / plan.memory.activations["fp32"] < 1


@pytest.mark.parametrize("name", RECIPES)
def test_resolution_is_the_size_of_what_is_trained_on(name):
    plan = planned(name)
    stated, size = plan.config.resolution, plan.train_size
    if not isinstance(stated, int) and len(stated) == 3:
        assert stated[0] in (size.frames, size.views)
        assert tuple(stated[1:]) == (size.height, size.width)
    elif not isinstance(stated, int):  # the shorter side, and the most that the longer one may have
        assert size.height == stated[0]
        assert size.width <= stated[1]
    else:
        assert (size.height, size.width) == (stated, stated)


@pytest.mark.parametrize("name", named("suites/*.py"))
def test_suite(name, monkeypatch):
    monkeypatch.setattr(simmim_eval.launch.forecast, "dry_run", lambda recipe, options, **_: planned(recipe))
    suite = read_suite(name)
    rows = forecast(suite, None, {})
    assert {row.recipe for row in rows} <= set(suite.recipes)
    assert {recipe for arm in suite.arms for recipe in arm.transfer} <= {row.recipe for row in rows}
    made = {row.label.rpartition(": ")[2] for row in rows if "pre-training" in row.label}
    assert {row.needs for row in rows if row.needs} <= made
    assert all(row.plan.flops > 0 and (row.runs or row.cited or row.same_as) for row in rows)
