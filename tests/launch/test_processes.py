"""Runs as processes of their own: what they are told, the GPUs they share, how they end; then real ones."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from demo_case import request
from plan_case import from_run, planned

from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import ConfigError, UserError
from simmim_eval.launch.executors import build_executor, job, processes
from simmim_eval.launch.executors.processes import Processes
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import OUTPUT_FILE, work_dir
from simmim_eval.launch.schedule import run_all
from simmim_eval.records import equal_records
from simmim_eval.results.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "work")


@pytest.fixture
def stand_in(monkeypatch):
    """Let a line of Python take the place of a run; it finds RECORD, PROGRESS and FOLDER."""

    def take(line: str) -> None:
        def command(run, store, number):
            places = {
                "RECORD": str(store.record_path(run.run_id)),
                "PROGRESS": str(work_dir(store, run.run_id) / job.PROGRESS_FILE),
            }
            start = f"import os, sys, time, pathlib; locals().update({places!r}); "
            return [sys.executable, "-S", "-c", start + line]

        monkeypatch.setattr(processes, "command", command)
        monkeypatch.setattr(processes, "LOOK_AGAIN", 0.02)

    return take


class Watch(list):
    def __call__(self, event):
        self.append(event)


COMPLETE = "p = pathlib.Path(RECORD); p.parent.mkdir(parents=True, exist_ok=True); p.touch()"


@pytest.mark.parametrize(
    "run",
    [
        planned(1, seed=3, split="tune", options={"a.b": (1, 2), "c": [1.5, None], "d": "10", "e": True, "f": "x=y"}),
        from_run(2, 1),
    ],
)
def test_what_is_told_arrives(run):
    told = job.decode(job.encode(run))
    assert told == run
    assert {key: type(value) for key, value in told.request.options.items()} == {
        key: type(value) for key, value in run.request.options.items()
    }


def test_gpus_are_shared_out_and_come_back(store, stand_in):
    stand_in(f"print(os.environ['CUDA_VISIBLE_DEVICES']); time.sleep(0.3); {COMPLETE}")
    runs = [planned(number) for number in range(5)]
    executor = Processes(store, None, 2, ["0", "1", "4", "5", "7"])
    assert executor.jobs == 2
    at_once = []

    def watch(event):
        at_once.append([one.devices for one in executor._running])

    assert run_all(runs, store, executor, watch) == {}
    for pairs in at_once:
        flat = [device for pair in pairs for device in pair]
        assert len(flat) == len(set(flat))
    seen = [(work_dir(store, run.run_id) / OUTPUT_FILE).read_text().strip() for run in runs]
    assert all(len(devices.split(",")) == 2 for devices in seen)
    assert sorted(executor._free) == ["0", "1", "4", "5", "7"]


def test_without_gpus_nothing_is_hidden(store, stand_in, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    stand_in(f"print(os.environ.get('CUDA_VISIBLE_DEVICES')); {COMPLETE}")
    executor = Processes(store, None, 2, [])
    assert executor.jobs == 1
    assert run_all([planned(1)], store, executor, Watch()) == {}
    assert (work_dir(store, planned(1).run_id) / OUTPUT_FILE).read_text() == "None\n"


@pytest.mark.parametrize(("jobs", "number", "devices"), [(None, 3, 2), (2, 2, 3), (3, 1, 2)])
def test_too_few_gpus(store, jobs, number, devices):
    with pytest.raises(UserError, match=f"{devices} GPUs are visible"):
        Processes(store, jobs, number, [str(device) for device in range(devices)])


def test_progress_is_seen(store, stand_in):
    line = "pathlib.Path(PROGRESS).write_text('[\"train\", 3, 9]'); time.sleep(0.3)"
    stand_in(f"{line}; {COMPLETE}")
    watch = Watch()
    assert run_all([planned(1)], store, Processes(store, 1, 1, []), watch) == {}
    steps = {(event.stage, event.done, event.total) for event in watch if event.kind == "progress"}
    assert steps == {("train", 3, 9)}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("os.kill(os.getpid(), 9)", "the process was killed by signal 9 (out of memory?)"),
        ("sys.exit(7)", "the process ended with exit code 7"),
        ("pass", "the process ended with exit code 0"),
    ],
)
def test_a_process_that_ends_without_a_word(store, stand_in, line, reason):
    stand_in(line)
    failed = run_all([planned(1)], store, Processes(store, 1, 1, []), Watch())
    assert failed == {planned(1).run_id: reason}
    (attempt,) = store.attempts(planned(1).run_id)
    assert attempt.error == f"{reason} (output: runs/{planned(1).run_id}/{OUTPUT_FILE})"


def test_stopping_leaves_no_process(store, stand_in):
    """Also one that does not listen, and what it has started."""
    stand_in(
        "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)']); print('up', flush=True); "
        "time.sleep(60)"
    )
    executor = Processes(store, 1, 1, [])
    executor.start(planned(1))
    output, end = work_dir(store, planned(1).run_id) / OUTPUT_FILE, time.monotonic() + 10
    while not output.read_text() and time.monotonic() < end:
        time.sleep(0.02)
    process = executor._running[0].process
    patience, processes.PATIENCE = processes.PATIENCE, 0.1
    try:
        executor.stop()
    finally:
        processes.PATIENCE = patience
    assert process.wait() == -signal.SIGKILL
    end = time.monotonic() + 5
    while _group(process.pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert _group(process.pid) == []


def _group(leader: int) -> list[int]:
    """Processes of a group that are not dead yet."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def test_options_that_an_executor_does_not_take(store):
    with pytest.raises(ConfigError, match="--executor cloud: expected local, debug, subprocess, slurm"):
        build_executor("cloud", store)
    for name in ("local", "debug"):
        with pytest.raises(ConfigError, match=f"--processes 2.*{name} is one process"):
            build_executor(name, store, processes=2)
    with pytest.raises(ConfigError, match="--slurm-args: --executor subprocess submits no jobs"):
        build_executor("subprocess", store, slurm_args={"time": 1})
    with pytest.raises(ConfigError, match="--jobs 2: --executor debug has one run at a time"):
        build_executor("debug", store, jobs=2)


def _classification(demo_root, **changes) -> PlannedRun:
    ask = request("classification", demo_root, **changes)
    return PlannedRun(prepare(ask).run_id, "classification", "Swin-nano", "classification", ask)


@pytest.mark.slow
def test_a_process_gives_the_record_of_the_same_run_here(demo_root, store, tmp_path):
    run = _classification(demo_root)
    assert run_all([run], store, build_executor("subprocess", store), Watch()) == {}
    here = Store(tmp_path / "here")
    assert run_all([run], here, build_executor("debug", here), Watch()) == {}
    assert equal_records(store.read(run.run_id), here.read(run.run_id))
    assert not (work_dir(store, run.run_id) / job.PROGRESS_FILE).exists()


@pytest.mark.slow
def test_a_fault_in_a_process_is_told(demo_root, store):
    run = _classification(demo_root)
    run = job.decode(json.dumps(json.loads(job.encode(run)) | {"data_root": str(store.root / "absent")}))
    failed = run_all([run], store, build_executor("subprocess", store), Watch())
    assert "absent" in failed[run.run_id] and "DataError" in failed[run.run_id]
    assert [attempt.status for attempt in store.attempts(run.run_id)] == ["failed"]


@pytest.mark.slow
def test_two_processes_under_torchrun(demo_root, store):
    """One record, one attempt and one set of files, of two processes that trained together."""
    run = _classification(demo_root)
    assert run_all([run], store, build_executor("subprocess", store, processes=2), Watch()) == {}
    record = store.read(run.run_id)
    assert record.environment.processes == 2
    assert record.budget.batch_size == 32
    assert [attempt.status for attempt in store.attempts(run.run_id)] == ["completed"]
    assert "RANK" not in os.environ
