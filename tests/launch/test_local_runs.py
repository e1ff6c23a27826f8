"""Children of the fork server: their failures, their deaths, and what is left of them."""

import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import time

import pytest
from demo_case import CONFIGS, RECIPES, request
from msgspec.structs import replace

from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import UserError
from simmim_eval.launch.executors.child import PRELOAD, start
from simmim_eval.launch.executors.local import Local, plan_in_child
from simmim_eval.launch.lock import holder
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import work_dir
from simmim_eval.launch.schedule import run_all
from simmim_eval.launch.suite import Arm, read_suite
from simmim_eval.results.store import Store

pytestmark = pytest.mark.slow  # the server imports all libraries once more


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "work")


@pytest.fixture
def planned(demo_root, tmp_path):
    """A run of the classification recipe with lines added that every reader of the config executes."""

    def plan(run_id: str = "", *lines: str, needs: tuple[str, ...] = (), **changes) -> PlannedRun:
        ask = request("classification", demo_root, **changes)
        if lines:
            path = tmp_path / f"{run_id}.py"
            path.write_text("\n".join([f'_base_ = ["{CONFIGS / RECIPES["classification"]}"]', *lines]))
            ask = type(ask)(str(path), ask.init, ask.data_root, options=ask.options)
        return PlannedRun(run_id or prepare(ask).run_id, "classification", "Swin-nano", f"run {run_id}", ask, needs)

    return plan


class Watch:
    def __init__(self) -> None:
        self.events = []

    def __call__(self, event) -> None:
        self.events.append(event)

    def kinds(self, run_id: str) -> list[str]:
        return [event.kind for event in self.events if event.run.run_id == run_id and event.kind != "progress"]


def probe(sender) -> None:
    mm = [name for name in ("mmdet.models", "mmseg.models", "mmaction.models") if name in sys.modules]
    sender.send((PRELOAD in sys.modules, mm, os.environ["OMP_NUM_THREADS"]))


def test_a_child_has_the_libraries_already():
    start(probe, ())[1].recv()  # the server is up
    begin = time.perf_counter()
    process, connection = start(probe, ())
    assert connection.recv() == (True, ["mmdet.models", "mmseg.models", "mmaction.models"], "1")
    assert time.perf_counter() - begin < 2
    process.join()


def test_a_failure_stops_only_what_needs_it(planned, store):
    good = planned()
    bad = planned("b" * 16, "model = dict(backbone=dict(arch='huge'))")
    dead = planned("d" * 16, "__import__('os')._exit(7)")
    child, grandchild = planned("c" * 16, needs=("d" * 16,)), planned("e" * 16, needs=("c" * 16,))
    watch = Watch()
    failed = run_all([bad, dead, child, grandchild, good], store, Local(store, 2), watch)

    assert list(store.records()) == [store.read(good.run_id)]
    assert watch.kinds(good.run_id) == ["started", "completed"]
    assert watch.kinds(bad.run_id) == watch.kinds(dead.run_id) == ["started", "failed"]
    assert watch.kinds(child.run_id) == watch.kinds(grandchild.run_id) == ["skipped"]
    assert failed.keys() == {bad.run_id, dead.run_id, child.run_id, grandchild.run_id}
    assert "huge" in failed[bad.run_id]
    assert failed[dead.run_id] == "the process ended with exit code 7"
    output = f"(output: runs/{dead.run_id}/console.log)"
    attempts = [(one.status, one.error) for one in store.attempts(dead.run_id)]
    assert attempts == [("failed", f"{failed[dead.run_id]} {output}")]
    (attempt,) = store.attempts(bad.run_id)  # it failed before it began
    assert (attempt.status, "huge" in attempt.error) == ("failed", True)
    assert "needs a run that failed" in failed[grandchild.run_id]

    again = Watch()
    assert run_all([good], store, Local(store, 2), again) == {}
    assert again.events == []


def test_progress_reaches_the_watcher(planned, store):
    watch = Watch()
    assert run_all([planned(options={"train_cfg.max_iters": 25})], store, Local(store, 1), watch) == {}
    steps = [(event.stage, event.done, event.total) for event in watch.events if event.kind == "progress"]
    assert steps == [("train", 10, 25), ("train", 20, 25), ("train", 25, 25), ("test", 1, 1)]


def test_a_killed_child_is_a_failure(planned, store):
    run = planned(options={"train_cfg.max_iters": 5000})

    def kill(event):
        if event.kind == "progress":
            (child,) = multiprocessing.active_children()
            os.kill(child.pid, signal.SIGKILL)

    failed = run_all([run], store, Local(store, 1), kill)
    assert failed == {run.run_id: "the process was killed by signal 9 (out of memory?)"}
    (attempt,) = store.attempts(run.run_id)
    assert attempt.status == "failed"
    assert attempt.error == f"{failed[run.run_id]} (output: runs/{run.run_id}/console.log)"
    assert (attempt.task, attempt.init_kind) == ("classification", "random")


def test_a_killed_server_takes_its_runs_along_and_another_is_started(planned, store):
    """What was running failed and says why; what was waiting runs, in a new server."""
    long, short = planned(options={"train_cfg.max_iters": 5000}), planned(seed=1)
    killed = []

    def kill(event):
        if event.kind == "progress" and not killed:
            killed.append(multiprocessing.forkserver._forkserver._forkserver_pid)
            os.kill(killed[0], signal.SIGKILL)

    failed = run_all([long, short], store, Local(store, 1), kill)
    assert failed == {long.run_id: "the process was killed together with the server it came from"}
    assert store.has(short.run_id)
    assert multiprocessing.forkserver._forkserver._forkserver_pid not in killed
    assert holder(work_dir(store, long.run_id)) == (None, False)
    assert [attempt.status for attempt in store.attempts(long.run_id)] == ["failed"]


def test_an_interruption_reaches_the_children(planned, store):
    runs = [planned(options={"train_cfg.max_iters": 5000}, seed=seed) for seed in (0, 1)]
    running = set()

    def interrupt(event):
        if event.kind == "progress":
            running.add(event.run.run_id)
        if len(running) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(runs, store, Local(store, 2), interrupt)
    assert multiprocessing.active_children() == []
    for run in runs:
        assert [attempt.status for attempt in store.attempts(run.run_id)] == ["interrupted"]
        assert "iter" in (store.root / "runs" / run.run_id / "console.log").read_text().lower()


def test_a_store_that_cannot_be_written(planned, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = Store(tmp_path / "file" / "work")
    with pytest.raises(UserError, match="cannot be made"):
        run_all([planned()], nowhere, Local(nowhere, 1), Watch())


def test_planning_in_a_child(demo_root, tmp_path):
    suite = read_suite("suites/demo.py")
    short = replace(suite, arms=(Arm((RECIPES["classification"],)),), inits=("random",))
    (run,) = plan_in_child(short, demo_root, 1, {})
    assert run.run_id == prepare(run.request).run_id
    with pytest.raises(UserError, match="absent"):
        plan_in_child(short, tmp_path / "absent", 1, {})
    path = tmp_path / "deadly.py"
    path.write_text("__import__('os')._exit(3)")
    with pytest.raises(UserError, match="exit code 3 while planning"):
        plan_in_child(replace(short, arms=(Arm((str(path),)),)), demo_root, 1, {})
