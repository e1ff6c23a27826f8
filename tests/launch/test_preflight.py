"""What a suite says of its time before it starts."""

from dataclasses import dataclass

import pytest
from demo_case import RECIPES

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest
from simmim_eval.engine.recipe import find_config, read_config
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.preflight import estimate_seconds, preflight


@dataclass
class Cost:
    seconds: float


@dataclass
class Done:
    run_id: str
    name: str
    cost: Cost
    kind: str = "transfer"


class FakeStore:
    def __init__(self, *records):
        self._records = records

    def records(self):
        return iter(self._records)

    def has(self, run_id):
        return run_id in {record.run_id for record in self._records}


def run(number, recipe=RECIPES["classification"], cited=None):
    request = RunRequest(recipe, InitSource("random"), None, number)
    return PlannedRun(f"{number:016x}", "classification", "t", f"run {number}", request, cited=cited)


def test_a_recipe_states_its_time_until_runs_have_taken_theirs():
    stated = read_config(find_config(RECIPES["classification"])).seconds
    plan = [run(number) for number in range(4)]
    assert estimate_seconds(plan, FakeStore(), 2) == (4 * stated / 2, 0)
    name = find_config(RECIPES["classification"]).stem
    store = FakeStore(Done(f"{0:016x}", name, Cost(100.0)), Done("f" * 16, name, Cost(300.0)))
    assert estimate_seconds(plan, store, 2) == (3 * 200 / 2, 0)


def test_cited_cells_take_none_and_unknown_recipes_are_told():
    full_size = run(1, "segmentation/upernet_swin-base-w7_8xb2-160k_ade20k-512px.py")
    assert estimate_seconds([full_size, run(2, cited=object())], FakeStore(), 1) == (0.0, 1)
    assert "nothing is known of their time" in preflight([full_size], FakeStore(), 1)
    assert preflight([full_size, run(2)], FakeStore(), 1).endswith("1 at a time; nothing is known of 1 runs")


@pytest.mark.parametrize(("runs", "words"), [(1, "about 1 min"), (100, "about 42 min"), (1000, "about 6.9 h")])
def test_the_words(runs, words):
    text = preflight([run(number) for number in range(runs)], FakeStore(), 1)
    assert text == f"{runs} runs, 0 done already; {words} for the rest, 1 at a time"


def test_every_demo_recipe_states_its_time():
    recipes = [path for path in find_config("suites/demo.py").parents[1].glob("*/*_demo.py")]
    assert len(recipes) == 18
    for path in recipes:
        config = read_config(path)
        assert f"Cost: about {config.seconds} s on one core" in path.read_text(), path
