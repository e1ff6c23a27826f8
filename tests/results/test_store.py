"""The store under several writers, and its two rules: never edit, always append."""

import json
import multiprocessing
import os
from pathlib import Path

import msgspec
import pytest

from simmim_eval.errors import RecordError
from simmim_eval.records import Attempt, read_record, utc_now
from simmim_eval.results import Store

DATA = Path(__file__).parents[1] / "data" / "records"
RECORD = read_record(DATA / "v1_transfer.json")
SPAWN = multiprocessing.get_context("spawn")


def attempt(error=None, status="failed"):
    return Attempt(
        schema_version=1,
        run_id=RECORD.run_id,
        status=status,
        error=error,
        started=utc_now(),
        ended=utc_now(),
        task="detection",
        title="Swin-nano",
        init_kind="simmim",
        seed=0,
    )


def other_outcome(record):
    return msgspec.structs.replace(
        record, metrics=(msgspec.structs.replace(record.metrics[0], value=1.0), record.metrics[1])
    )


def write_attempts(root, barrier, writer, number):
    barrier.wait()
    for i in range(number):
        Store(root).add_attempt(attempt(error=f"{writer}:{i}"))


def write_record(root, barrier, outcomes, record):
    barrier.wait()
    try:
        Store(root).add(record)
        outcomes.put("written")
    except RecordError:
        outcomes.put("refused")


def run_together(target, arguments):
    processes = [SPAWN.Process(target=target, args=one) for one in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_a_record_comes_back_from_its_file(tmp_path):
    store = Store(tmp_path / "results")
    assert not store.has(RECORD.run_id) and list(store.records()) == []
    path = store.add(RECORD)
    assert path == tmp_path / "results" / "records" / f"{RECORD.run_id}.json"
    assert store.has(RECORD.run_id)
    assert list(store.records()) == [RECORD] == [store.read(RECORD.run_id)]
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no temporary file is left"


def test_the_same_outcome_twice_keeps_the_first_file(tmp_path):
    store = Store(tmp_path)
    before = store.add(RECORD).read_bytes()
    slower = msgspec.structs.replace(RECORD.cost, seconds=999.0)
    path = store.add(msgspec.structs.replace(RECORD, cost=slower, created=utc_now(), artifacts={}))
    assert path.read_bytes() == before


def test_another_outcome_of_the_same_run_is_refused(tmp_path):
    store = Store(tmp_path)
    path = store.add(RECORD)
    before = path.read_bytes()
    with pytest.raises(RecordError, match=f"{RECORD.run_id}.json: .*another outcome"):
        store.add(other_outcome(RECORD))
    assert path.read_bytes() == before


def test_two_processes_with_two_outcomes_leave_one_whole_record(tmp_path):
    barrier, outcomes = SPAWN.Barrier(2), SPAWN.Queue()
    records = [RECORD, other_outcome(RECORD)]
    run_together(write_record, [(tmp_path, barrier, outcomes, record) for record in records])
    assert sorted([outcomes.get(timeout=10), outcomes.get(timeout=10)]) == ["refused", "written"]
    assert next(Store(tmp_path).records()) in records


def test_two_processes_number_their_attempts_without_gap_or_loss(tmp_path):
    barrier, number = SPAWN.Barrier(2), 40
    run_together(write_attempts, [(tmp_path, barrier, writer, number) for writer in "ab"])
    folder = tmp_path / "attempts" / RECORD.run_id
    assert sorted(int(path.stem) for path in folder.iterdir()) == list(range(1, 2 * number + 1))
    errors = [one.error for one in Store(tmp_path).attempts(RECORD.run_id)]
    assert sorted(errors) == sorted(f"{writer}:{i}" for writer in "ab" for i in range(number))
    for writer in "ab":
        assert [error for error in errors if error[0] == writer] == [f"{writer}:{i}" for i in range(number)]


def test_attempts_are_in_the_order_of_their_numbers(tmp_path):
    store = Store(tmp_path)
    for i in range(11):
        assert store.add_attempt(attempt(error=str(i))).name == f"{i + 1}.json"
    assert [one.error for one in store.attempts(RECORD.run_id)] == list(map(str, range(11)))
    assert store.attempted() == [RECORD.run_id]
    assert Store(tmp_path / "none").attempted() == [] == store.attempts("0" * 16)


def test_a_file_that_is_being_written_is_not_a_record(tmp_path):
    store = Store(tmp_path)
    store.add(RECORD)
    (tmp_path / "records" / f".{RECORD.run_id}.json.abc.json").write_text("{")
    assert list(store.records()) == [RECORD]


def test_a_record_under_a_wrong_name_is_named(tmp_path):
    path = tmp_path / "records" / "0000000000000000.json"
    path.parent.mkdir()
    path.write_bytes((DATA / "v1_transfer.json").read_bytes())
    with pytest.raises(RecordError, match=f"{path}: holds run {RECORD.run_id}"):
        list(Store(tmp_path).records())


def test_an_edited_record_is_named(tmp_path):
    path = Store(tmp_path).add(RECORD)
    plain = json.loads(path.read_bytes())
    plain["budget"]["iterations"] += 1
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match=f"{path}: run_id is"):
        list(Store(tmp_path).records())


def test_a_stray_attempt_is_named(tmp_path):
    store = Store(tmp_path)
    path = store.add_attempt(attempt())
    os.rename(path, path.with_name("first.json"))
    with pytest.raises(RecordError, match=r"first\.json: expected a number"):
        store.add_attempt(attempt())


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "records").write_text("a file where a folder should be")
    with pytest.raises(RecordError, match="cannot be written"):
        Store(tmp_path).add(RECORD)


def test_nothing_is_written_for_a_record_that_is_not_valid(tmp_path):
    with pytest.raises(RecordError):
        Store(tmp_path).add(msgspec.structs.replace(RECORD, seed=5))
    assert list(tmp_path.iterdir()) == []
