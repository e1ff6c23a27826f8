"""A suite becomes runs with ids, needs and names, in an order in which they can run."""

from dataclasses import replace

import pytest
from demo_case import FEW, RECIPES

from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import ConfigError, DataError
from simmim_eval.launch.plan import plan_suite
from simmim_eval.launch.suite import read_suite


@pytest.fixture(scope="module")
def suite():
    return replace(read_suite("suites/demo.py"), transfer=(RECIPES["classification"],))


@pytest.fixture(scope="module")
def plan(suite, demo_root):
    return plan_suite(suite, demo_root, 2, FEW)


def test_the_demo_suite_is_the_whole_matrix():
    suite = read_suite("suites/demo.py")
    assert set(suite.transfer) == {RECIPES[t] for t in ("classification", "detection", "segmentation", "recognition")}
    assert dict(suite.pretraining) == {"simmim": RECIPES["simmim"], "supervised": RECIPES["supervised"]}
    assert suite.inits == ("random", "supervised", "simmim")


def test_labels_say_what_a_run_is(plan):
    assert [run.label for run in plan] == [
        "pre-training: supervised",
        "pre-training: simmim",
        *(f"classification from {kind}, seed {seed}" for seed in (0, 1) for kind in ("random", "supervised", "simmim")),
    ]
    assert [run.task for run in plan] == ["classification", "pretraining"] + 6 * ["classification"]
    assert {run.title for run in plan} == {"Swin-nano"}


def test_a_transfer_needs_the_pretraining_of_its_kind(plan):
    supervised, simmim = plan[0].run_id, plan[1].run_id
    assert [run.needs for run in plan] == 2 * [()] + 2 * [(), (supervised,), (simmim,)]
    assert all(need in {earlier.run_id for earlier in plan[:i]} for i, run in enumerate(plan) for need in run.needs)


def test_every_run_has_an_id_of_its_own_that_its_request_gives_again(plan):
    assert len({run.run_id for run in plan}) == len(plan) == 8
    for run in plan[:5]:
        assert prepare(run.request).run_id == run.run_id


def test_equal_pretraining_and_one_recipe_a_column(plan):
    supervised, simmim, *transfers = (prepare(run.request) for run in plan)
    assert supervised.budget.images_seen == simmim.budget.images_seen
    assert supervised.protocol.data_fingerprint == simmim.protocol.data_fingerprint
    assert supervised.backbone.name == simmim.backbone.name
    for part in ("protocol", "budget", "init_profile", "backbone"):
        assert len({str(getattr(run, part)) for run in transfers}) == 1, part
    assert {run.request.seed for run in transfers} == {0, 1}


def test_more_seeds_keep_the_ids_of_the_first(plan, suite, demo_root):
    assert [run.run_id for run in plan_suite(suite, demo_root, 1, FEW)] == [run.run_id for run in plan[:5]]


def test_another_pretraining_changes_only_what_comes_from_it(plan, suite, demo_root):
    other = plan_suite(suite, demo_root, 1, FEW | {"train_dataloader.dataset.split": "val"})
    assert not {run.run_id for run in other} & {run.run_id for run in plan}
    swapped = replace(suite, pretraining={**suite.pretraining, "simmim": RECIPES["supervised"]})
    changed = [run.run_id for run in plan_suite(swapped, demo_root, 1, FEW)]
    kept = [run.run_id for run in plan[:5]]
    assert [one == other for one, other in zip(changed, kept, strict=True)] == [True, False, True, True, False]


def test_a_fault_stops_the_planning(suite, demo_root, tmp_path):
    with pytest.raises(DataError):
        plan_suite(suite, tmp_path / "absent", 1, FEW)
    with pytest.raises(ConfigError, match="modle"):
        plan_suite(suite, demo_root, 1, {"modle": 1})
    with pytest.raises(ConfigError, match="no such config"):
        plan_suite(replace(suite, transfer=("classification/none.py",)), demo_root, 1, FEW)
