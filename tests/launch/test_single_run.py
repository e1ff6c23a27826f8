"""One run with its bookkeeping: records once, attempts always, goes on after an interruption."""

from dataclasses import replace

import pytest
import torch
from demo_case import request

from simmim_eval.engine.execute import CHECKPOINT_FILE
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.errors import DataError, UserError
from simmim_eval.launch.run import run, work_dir
from simmim_eval.records import equal_records
from simmim_eval.results.store import Store

STEPS = {"train_cfg.max_iters": 6, "default_hooks.checkpoint.interval": 2}


def interrupt_at(step):
    def progress(stage, done, total):
        if (stage, done) == ("train", step):
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "work")


def statuses(store, run_id):
    return [attempt.status for attempt in store.attempts(run_id)]


def test_a_completed_run_is_not_run_again(demo_root, store):
    ask = request("classification", demo_root)
    record = run(ask, store)
    assert run(ask, store, progress=interrupt_at(1)) == record == store.read(record.run_id)
    assert statuses(store, record.run_id) == ["completed"]
    assert sorted(path.name for path in store.root.iterdir()) == ["attempts", "records", "runs"]


def test_an_interrupted_run_goes_on(demo_root, store, tmp_path):
    ask = request("simmim", demo_root, options=STEPS)
    with pytest.raises(KeyboardInterrupt):
        run(ask, store, progress=interrupt_at(5))
    (run_id,) = store.attempted()
    assert statuses(store, run_id) == ["interrupted"] and not store.has(run_id)
    folder = work_dir(store, run_id)
    assert (folder / "iter_4.pth").exists() and not (folder / CHECKPOINT_FILE).exists()

    told = []
    record = run(ask, store, resume=True, progress=lambda *step: told.append(step))
    assert told[:2] == [("train", 5, 6), ("train", 6, 6)]
    assert statuses(store, run_id) == ["interrupted", "completed"]
    assert record.budget.images_seen == 6 * 32
    torch.load(folder / CHECKPOINT_FILE, weights_only=True)

    without = run(ask, Store(tmp_path / "other"))
    assert without.run_id == run_id
    assert record.metrics[0].value == pytest.approx(without.metrics[0].value, rel=0.05)


def test_without_resume_a_run_starts_anew(demo_root, store, tmp_path):
    ask = request("simmim", demo_root, options=STEPS)
    with pytest.raises(KeyboardInterrupt):
        run(ask, store, progress=interrupt_at(5))
    told = []
    record = run(ask, store, progress=lambda *step: told.append(step))
    assert told[0] == ("train", 1, 6)
    assert equal_records(record, run(ask, Store(tmp_path / "other")))


def test_resume_without_an_attempt_starts_at_the_beginning(demo_root, store):
    told = []
    run(request("simmim", demo_root), store, resume=True, progress=lambda *step: told.append(step))
    assert told[0] == ("train", 1, 2)


def test_a_failed_run_leaves_its_error(demo_root, store):
    def fail(stage, done, total):
        raise DataError("a.jpg:\n cannot be decoded")

    with pytest.raises(DataError):
        run(request("classification", demo_root), store, progress=fail)
    (run_id,) = store.attempted()
    (attempt,) = store.attempts(run_id)
    error, _, output = attempt.error.partition(" (output: ")
    assert (attempt.status, error) == ("failed", "DataError: a.jpg: cannot be decoded")
    assert (store.root / output.removesuffix(")")).suffix == ".log"
    assert (store.root / output.removesuffix(")")).is_file()
    assert (attempt.task, attempt.title, attempt.init_kind, attempt.seed) == (
        "classification",
        "Swin-nano",
        "random",
        0,
    )
    assert not store.has(run_id)


def test_a_run_as_a_source(demo_root, store):
    """Its id is the same whether the suite's planner or a person names the producer."""
    producer = run(request("simmim", demo_root), store)
    source = InitSource("simmim", f"run:{producer.run_id}")
    asked = replace(request("classification", demo_root), init=source)
    record = run(asked, store)
    planned = replace(asked, produced_by=producer.run_id, init_seed=0)
    assert run(planned, store) == record
    assert (record.init.source, record.init.weights) == (f"run:{producer.run_id}", producer.run_id)
    assert record.init_seed == producer.seed == 0

    (work_dir(store, producer.run_id) / CHECKPOINT_FILE).unlink()
    with pytest.raises(UserError, match=f"no completed run {producer.run_id}"):
        run(replace(asked, seed=1), store)
