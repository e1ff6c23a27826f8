"""A run that was killed and went on is the run that was not, to the last bit, with any number of workers."""

import random
from pathlib import Path

import pytest
import torch
from hard_recipe import EPOCHS, ITERATIONS, hard_request, run_here, run_until_killed, write_recipe

from simmim_eval.records import Record, equal_records

LOOPS = {"iterations": (ITERATIONS, 9), "epochs": (EPOCHS, 9)}


def last_weights(root: Path, record: Record) -> dict[str, torch.Tensor]:
    return torch.load(root / record.artifacts["checkpoint"], weights_only=True)["state_dict"]


def assert_same(one: tuple[Path, Record], other: tuple[Path, Record]) -> None:
    weights, others = last_weights(*one), last_weights(*other)
    assert weights.keys() == others.keys()
    differing = [name for name, value in weights.items() if not torch.equal(value, others[name])]
    assert not differing
    assert one[1].run_id == other[1].run_id
    assert equal_records(one[1], other[1])


@pytest.fixture(scope="module")
def unbroken(demo_root, tmp_path_factory):
    done = {}

    def once(loop: str) -> tuple[Path, Record]:
        if loop not in done:
            root = tmp_path_factory.mktemp(loop)
            path = write_recipe(root / "recipe", LOOPS[loop][0])
            done[loop] = root, run_here(hard_request(path, demo_root), root)
        return done[loop]

    return once


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("loop", LOOPS)
def test_killed_and_resumed(unbroken, demo_root, tmp_path, loop, workers):
    text, steps = LOOPS[loop]
    assert unbroken(loop)[1].budget.iterations == steps
    ask = hard_request(write_recipe(tmp_path / "recipe", text, workers=workers), demo_root)
    first, second = sorted(random.Random(f"{loop} {workers}").sample(range(3, steps + 1), 2))
    for step in (first, second):
        run_until_killed(ask, tmp_path, step)
    assert_same((tmp_path, run_here(ask, tmp_path, resume=True)), unbroken(loop))
