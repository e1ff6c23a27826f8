"""A forecast holds the runs that the suite will have, as the suite's own planner names them."""

import re
from collections import Counter

import pytest

from simmim_eval.launch.forecast import forecast
from simmim_eval.launch.plan import plan_suite
from simmim_eval.launch.suite import read_suite

CLASSIFICATION = "classification/cls_swin-nano_1xb32-250i_demo.py"
SUITE = f"""
title = "Small"
arms = [
    dict(
        pretraining={{
            "simmim": dict(recipe="pretrain/simmim_swin-nano_1xb32-900i_demo.py"),
            "supervised": dict(recipe="pretrain/supervised_swin-nano_1xb32-900i_demo.py"),
            "simmim+supervised": dict(recipe={CLASSIFICATION!r}, init="simmim"),
        }},
        transfer=[{CLASSIFICATION!r}],
        cited=[dict(recipe={CLASSIFICATION!r}, init="supervised", value=50.5, source="a paper")],
    )
]
inits = ["random", "supervised", "simmim", "simmim+supervised"]
pretraining_seeds = 2
"""


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [None, 2])
def test_the_runs_are_those_of_the_suite(demo_root, tmp_path, seeds):
    path = tmp_path / "small.py"
    path.write_text(SUITE)
    suite = read_suite(str(path))
    planned = plan_suite(suite, demo_root, seeds)
    labels = Counter(re.sub(", (seed|from pre-training seed) .*", "", run.label) for run in planned if not run.cited)
    rows = forecast(suite, seeds, {})
    assert {row.label: row.runs for row in rows if row.runs} == labels
    assert sum(row.runs for row in rows) == sum(not run.cited for run in planned)
    assert [row.cited.value for row in rows if row.cited] == [50.5]
    needs = {run.run_id: run.label for run in planned}
    for run in planned:
        row = next((one for one in rows if not run.cited and run.label.startswith(one.label + ",")), None)
        assert bool(run.needs) == bool(row and row.needs), run.label
        if row and row.needs == "simmim":
            assert needs[run.needs[0]].startswith("pre-training: simmim,")


@pytest.mark.slow
def test_a_fine_tuning_that_gives_weights_is_one_run(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SUITE.replace("pretraining_seeds = 2", ""))
    rows = {row.label: row for row in forecast(read_suite(str(path)), None, {})}
    both = rows["pre-training: simmim+supervised"], rows["classification from simmim"]
    assert [row.runs for row in both] == [0, 1]
    assert both[0].same_as == both[1].label
    assert "classification from simmim+supervised" not in rows
