"""Processes × micro-batch × accumulation = the recipe's batch, or a message with numbers that work."""

import re

import pytest
from demo_case import CONFIGS
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

from simmim_eval.engine.batch import BatchPlan, batch_plan, effective_batch, is_by_epoch, num_steps
from simmim_eval.engine.identity import budget
from simmim_eval.errors import ConfigError

ITERATIONS = {"type": "IterBasedTrainLoop", "max_iters": 7}


def recipe(batch_size=8, base=None, **more) -> Config:
    scaling = {"auto_scale_lr": {"enable": False, "base_batch_size": base}} if base is not None else {}
    loader = {"batch_size": batch_size, **more.pop("loader", {})}
    parts = {"train_dataloader": loader, "optim_wrapper": {}, "train_cfg": ITERATIONS, "resolution": 32}
    return Config(parts | scaling | more)


@given(own=st.integers(1, 64), base=st.integers(1, 4096), processes=st.integers(1, 64))
def test_the_product_is_always_the_effective_batch(own, base, processes):
    config = recipe(own, base)
    if base % processes:
        with pytest.raises(ConfigError, match=f"effective batch of {base} .* {processes} processes"):
            batch_plan(config, processes)
        return
    plan = batch_plan(config, processes)
    assert plan.processes * plan.micro * plan.accumulation == plan.effective == base
    assert own % plan.micro == 0
    larger = [micro for micro in range(plan.micro + 1, own + 1) if own % micro == 0]
    assert not [micro for micro in larger if base // processes % micro == 0]


@pytest.mark.parametrize(
    ("own", "base", "processes", "expected"),
    [
        (128, 2048, 16, (2048, 128, 16, 1)),
        (128, 2048, 1, (2048, 128, 1, 16)),
        (128, 2048, 32, (2048, 64, 32, 1)),
        (2, 16, 4, (16, 2, 4, 2)),
        (32, None, 1, (32, 32, 1, 1)),
        (32, None, 4, (32, 8, 4, 1)),
    ],
)
def test_plans(own, base, processes, expected):
    assert batch_plan(recipe(own, base), processes) == BatchPlan(*expected)


def test_a_batch_that_does_not_divide_names_what_works():
    with pytest.raises(ConfigError) as fault:
        batch_plan(recipe(4, 12), 5)
    assert "Run 1, 2, 3, 4, 6, 12 processes" in str(fault.value)


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (recipe(0), "train_dataloader.batch_size is 0"),
        (recipe(8, 0), "base_batch_size is 0"),
        (recipe(8, "16"), "base_batch_size is '16'"),
        (recipe(8, True), "base_batch_size is True"),
        (recipe(None), "batch_size is None"),
        (recipe(8, optim_wrapper={"accumulative_counts": 4}), r"accumulative_counts is 4.*8 × 4"),
        (recipe(8, auto_scale_lr={"enable": True, "base_batch_size": 16}), "auto_scale_lr.enable"),
    ],
)
def test_bad_batches(config, word):
    with pytest.raises(ConfigError, match=word):
        batch_plan(config, 1)


@pytest.mark.parametrize(
    ("loop", "word"),
    [
        ({"type": "IterBasedTrainLoop"}, "train_cfg.max_iters is None"),
        ({"type": "EpochBasedTrainLoop", "max_iters": 3}, "train_cfg.max_epochs is None"),
        ({"type": "IterBasedTrainLoop", "max_iters": 2.5}, "max_iters is 2.5"),
        ({"max_iters": 3}, "train_cfg.type is ''"),
        ({"type": "mmdet.TeacherStudentLoop"}, "TeacherStudentLoop"),
    ],
)
def test_bad_loops(loop, word):
    with pytest.raises(ConfigError, match=re.escape(word)):
        num_steps(recipe(train_cfg=loop), 20)


@pytest.mark.parametrize(
    ("length", "drop_last", "steps"), [(20, False, 3), (20, True, 2), (16, False, 2), (16, True, 2), (3, False, 1)]
)
def test_the_budget_of_epochs_is_the_same_for_any_share(length, drop_last, steps):
    loop = {"by_epoch": True, "max_epochs": 5}
    told = set()
    for own in (8, 4, 2, 1):
        config = recipe(own, 8, train_cfg=loop, loader={"drop_last": drop_last})
        assert is_by_epoch(config)
        told.add(budget(config, "0" * 64, length))
    (one,) = told
    assert (one.iterations, one.batch_size, one.images_seen) == (5 * steps, 8, 5 * steps * 8)


NAMED = [path for path in CONFIGS.glob("[!_]*/*.py") if re.search(r"_(\d+)xb(\d+)-", path.name)]


@pytest.mark.parametrize("path", NAMED, ids=lambda path: path.stem)
def test_the_name_of_a_recipe_says_its_batch(path):
    devices, batch = map(int, re.search(r"_(\d+)xb(\d+)-", path.name).groups())
    config = Config.fromfile(path)
    assert (effective_batch(config), config.train_dataloader.batch_size) == (devices * batch, batch)
