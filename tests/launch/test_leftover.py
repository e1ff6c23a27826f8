"""What may go of a suite's folder, and what may not."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from plan_case import from_run, planned

from simmim_eval.errors import UserError
from simmim_eval.launch.leftover import AGE, find_leftovers
from simmim_eval.launch.lock import locked
from simmim_eval.launch.plan import keep_plan
from simmim_eval.launch.run import work_dir
from simmim_eval.records import read_record, record_id
from simmim_eval.results.store import Store

SUITE = "suites/demo.py"
RECORD = read_record(Path(__file__).parents[1] / "data" / "records" / "v1_run_transfer.json")


def fill(store, run_id, *names):
    folder = work_dir(store, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x" * 100)


@pytest.fixture
def store(tmp_path):
    """Two completed runs, the second from the first; a planned one on its way; a stranger."""
    store = Store(tmp_path / "work")
    producer = _recorded(store, seed=1)
    child = _recorded(store, seed=2)
    going = planned(7)
    plan = [replace(planned(0), run_id=producer), replace(from_run(1, 0), run_id=child, needs=(producer,)), going]
    keep_plan(SUITE, plan, store.root)
    for run_id in (producer, child):
        fill(store, run_id, "last.pth", "iter_200.pth", "last_checkpoint", ".iter_300.pth.x1.pth", "console.log")
    fill(store, going.run_id, "iter_100.pth", "console.log")
    fill(store, planned(8).run_id, "epoch_3.pth", "last.pth")
    store.producer, store.child, store.going, store.stranger = producer, child, going.run_id, planned(8).run_id
    return store


def _recorded(store, seed):
    record = msgspec.structs.replace(RECORD, seed=seed)
    record = msgspec.structs.replace(record, run_id=record_id(record))
    store.add(msgspec.structs.replace(record, artifacts={"checkpoint": f"runs/{record.run_id}/last.pth"}))
    return record.run_id


def goes(store, **options):
    return {one.path.relative_to(store.root).as_posix() for one in find_leftovers(SUITE, store, **options) if one.goes}


ON_THE_WAY = ("iter_200.pth", "last_checkpoint", ".iter_300.pth.x1.pth")


def test_only_what_nothing_needs(store):
    assert goes(store) == {f"runs/{run}/{name}" for run in (store.producer, store.child) for name in ON_THE_WAY}


def test_last_weights_when_asked_but_never_those_that_a_run_starts_from(store):
    assert goes(store, weights=True) - goes(store) == {f"runs/{store.child}/last.pth"}


def test_strangers_when_asked_but_never_a_run_on_its_way(store):
    assert goes(store, unplanned=True) - goes(store) == {f"runs/{store.stranger}"}


def test_what_stays_is_shown_with_its_option(store):
    shown = {one.path.name: one.option for one in find_leftovers(SUITE, store) if not one.goes}
    assert shown == {"last.pth": "--weights", store.stranger: "--unplanned"}


def test_another_suite_s_runs_are_no_strangers(store):
    keep_plan("mine/other.py", [planned(8)], store.root)
    assert store.stranger not in str(goes(store, unplanned=True))


def test_removing_all_that_may_go(store):
    before = {path: path.read_bytes() for folder in ("records", "plans") for path in (store.root / folder).iterdir()}
    found = [one for one in find_leftovers(SUITE, store, weights=True, unplanned=True) if one.goes]
    assert sum(one.size for one in found) == 100 * (2 * len(ON_THE_WAY) + 1 + 2)
    for one in found:
        one.remove()
    assert {path: path.read_bytes() for path in before} == before
    left = {path.relative_to(store.root / "runs").as_posix() for path in store.root.glob("runs/*/*")}
    assert {name for name in left if not name.endswith(".lock")} == {
        f"{store.producer}/last.pth",
        f"{store.producer}/console.log",
        f"{store.child}/console.log",
        f"{store.going}/iter_100.pth",
        f"{store.going}/console.log",
    }
    assert goes(store, weights=True, unplanned=True) == set()


def test_a_folder_in_use_is_left_alone(store):
    folder = work_dir(store, store.stranger)
    (found,) = (one for one in find_leftovers(SUITE, store, unplanned=True) if one.path == folder)
    with locked(folder, "x"):
        assert folder.name not in str(goes(store, unplanned=True))
        with pytest.raises(UserError, match="another process is at work here"):
            found.remove()
    assert (folder / "last.pth").exists()


def test_half_written_files_once_they_are_old(store):
    young, old = store.root / "records" / ".a.json.k3.json", store.root / "attempts" / "a" / ".1.json.zz.json"
    for path in (young, old):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
    os.utime(old, (time.time() - 2 * AGE,) * 2)
    assert goes(store) & {"records/.a.json.k3.json", "attempts/a/.1.json.zz.json"} == {"attempts/a/.1.json.zz.json"}


def test_a_folder_without_a_plan(store, tmp_path):
    with pytest.raises(UserError, match=r"plans/else\.json: no plan of suites/else\.py is kept there"):
        find_leftovers("suites/else.py", store)
    path = store.root / "plans" / "demo.json"
    path.write_text(json.dumps([])[:1])
    with pytest.raises(UserError, match="no plan of"):
        find_leftovers(SUITE, store)
