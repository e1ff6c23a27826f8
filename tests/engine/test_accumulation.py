"""However a step's batch is cut, one iteration of the recipe is one step on the whole of it."""

import json
import multiprocessing
import os
import socket
from pathlib import Path

import pytest
import torch
from hard_recipe import BATCH, ITERATIONS, PLAIN, hard_request, run_here, write_recipe

from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import ConfigError
from simmim_eval.records import Record

STEPS = 9


def weights(root: Path, record: Record) -> dict[str, torch.Tensor]:
    return torch.load(root / record.artifacts["checkpoint"], weights_only=True)["state_dict"]


def logged(root: Path, record: Record, name: str) -> list[float]:
    (path,) = (root / "runs" / record.run_id).glob("*/vis_data/scalars.json")
    return [step[name] for step in map(json.loads, path.read_text().splitlines()) if name in step]


def assert_close(one: tuple[Path, Record], other: tuple[Path, Record]) -> None:
    mine, others = weights(*one), weights(*other)
    for name, value in mine.items():
        torch.testing.assert_close(
            value, others[name], rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f"{name} {text}"
        )
    assert one[1].metrics[0].value == pytest.approx(other[1].metrics[0].value)
    assert one[1].run_id == other[1].run_id


@pytest.fixture(scope="module")
def whole(demo_root, tmp_path_factory) -> tuple[Path, Record]:
    root = tmp_path_factory.mktemp("whole")
    return root, run_here(hard_request(write_recipe(root / "recipe", PLAIN), demo_root), root)


def test_two_halves_are_the_whole(whole, demo_root, tmp_path):
    path = write_recipe(tmp_path / "recipe", PLAIN)
    told = []
    ask = hard_request(path, demo_root, options={"train_dataloader.batch_size": BATCH // 2})
    record = run_here(ask, tmp_path, progress=lambda *step: told.append(step))
    assert_close((tmp_path, record), whole)
    assert [step for step in told if step[0] == "train"] == [("train", step, STEPS) for step in range(1, STEPS + 1)]
    assert (record.environment.processes, record.environment.accumulation) == (1, 2)
    assert (whole[1].environment.processes, whole[1].environment.accumulation) == (1, 1)
    rates = logged(tmp_path, record, "lr")
    assert len(rates) == STEPS and len(set(rates)) > 5
    assert rates == logged(*whole, "lr")
    assert logged(tmp_path, record, "loss") == pytest.approx(logged(*whole, "loss"), abs=1e-5)
    assert logged(tmp_path, record, "top1") == pytest.approx(logged(*whole, "top1"))


def test_the_share_does_not_enter_the_identity(demo_root, tmp_path, monkeypatch):
    path = write_recipe(tmp_path, ITERATIONS)
    plain = prepare(hard_request(path, demo_root))
    smaller = prepare(hard_request(path, demo_root, options={"train_dataloader.batch_size": 2}))
    monkeypatch.setenv("WORLD_SIZE", "4")
    shared = prepare(hard_request(path, demo_root))
    assert plain.run_id == smaller.run_id == shared.run_id
    assert plain.budget == smaller.budget == shared.budget
    monkeypatch.delenv("WORLD_SIZE")
    another = hard_request(path, demo_root, options={"auto_scale_lr.base_batch_size": 2 * BATCH})
    assert prepare(another).run_id != plain.run_id


def test_processes_that_cannot_share_the_batch(demo_root, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    path = write_recipe(tmp_path, ITERATIONS)
    with pytest.raises(ConfigError) as fault:
        prepare(hard_request(path, demo_root))
    assert str(fault.value).startswith(f"{path}: the effective batch of 8 cannot be shared evenly by 3 processes")
    assert "Run 1, 2, 4, 8 processes." in str(fault.value)


def one_of_two(rank: int, port: int, request, root: Path) -> None:
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )
    record = run_here(request, root)
    (root / f"told-{rank}.json").write_text(json.dumps([record.run_id, record.metrics[0].value]))
    if rank == 0:
        (root / "environment.json").write_text(
            json.dumps([record.environment.processes, record.environment.accumulation])
        )


@pytest.mark.slow
def test_two_processes_are_one(whole, demo_root, tmp_path):
    """Each with two micro-batches a step, between which the gradients are not exchanged."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = write_recipe(tmp_path / "recipe", PLAIN)
    request = hard_request(path, demo_root, options={"train_dataloader.batch_size": BATCH // 4})
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=one_of_two, args=(rank, port, request, tmp_path)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    told = [json.loads((tmp_path / f"told-{rank}.json").read_text()) for rank in range(2)]
    assert told[0] == told[1] == [whole[1].run_id, pytest.approx(whole[1].metrics[0].value)]
    assert json.loads((tmp_path / "environment.json").read_text()) == [2, 2]
    assert_close((tmp_path, whole[1]), whole)  # the checkpoint lies at the same place in either store
