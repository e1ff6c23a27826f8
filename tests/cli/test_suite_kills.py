"""SIGKILL at any moment, to anyone of a suite; the same command then does what is left, and nothing else."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from suite_case import small_suite

from simmim_eval.launch.lock import holder
from simmim_eval.records import equal_records
from simmim_eval.results.store import Store

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("simmim-eval")
KILLS = 5
STEPS = 24
OPTIONS = {
    "train_cfg.max_iters": STEPS,
    "default_hooks.checkpoint.interval": 4,
    "train_dataloader.num_workers": 1,
}
GENERATOR = random.Random(20)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """One pre-training and the transfer from it."""
    return small_suite(tmp_path_factory.mktemp("suite") / "two.py", "supervised")


@pytest.fixture(scope="module")
def start(suite, demo_root):
    def run(work_dir: Path, *more: str) -> subprocess.Popen[str]:
        words = ["suite", "run", suite, "--data-root", demo_root, "--work-dir", work_dir, "--jobs", "1"]
        options = [word for key, value in OPTIONS.items() for word in ("--cfg-options", f"{key}={value}")]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([COMMAND, *map(str, words), *options, *more], **pipes, start_new_session=True)

    return run


@pytest.fixture(scope="module")
def unbroken(start, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("unbroken")
    out, err = (process := start(work_dir)).communicate()
    assert process.returncode == 0, out + err
    return list(Store(work_dir).records())


def descendants(pid: int) -> list[int]:
    """Living processes below another, itself first."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def are_gone(pids: list[int]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not any(_lives(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def under_way(process: subprocess.Popen[str], work_dir: Path) -> bool:
    """Wait until a run works, or the suite has ended."""
    while process.poll() is None:
        if any(holder(folder)[1] for folder in work_dir.glob("runs/*/")):
            return True
        time.sleep(0.02)
    return False


def same(store: Store, unbroken) -> bool:
    records = list(store.records())
    return [record.run_id for record in records] == [record.run_id for record in unbroken] and all(
        map(equal_records, records, unbroken)
    )


def test_random_kills_leave_the_records_of_an_unbroken_suite(start, unbroken, tmp_path):
    """The suite itself first, then anyone below it; each time the next command does only what is left."""
    store, done = Store(tmp_path), {}
    for number in range(KILLS):
        process = start(tmp_path)
        if number % 3 == 0 or under_way(process, tmp_path):  # one in three at any time, also while it plans
            time.sleep(GENERATOR.uniform(0, 3))
        everyone = descendants(process.pid)
        whole = number % 2 == 0
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(process.pid if whole else GENERATOR.choice(everyone), signal.SIGKILL)
        out, err = process.communicate()
        assert are_gone(everyone), everyone
        assert "Traceback" not in out + err
        assert process.returncode in {-signal.SIGKILL, 0, 1, 2}, out + err
        for path, content in done.items():
            assert path.read_bytes() == content  # what was recorded is not done again
        done = {path: path.read_bytes() for path in (tmp_path / "records").glob("[!.]*.json")}

    process = start(tmp_path)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert f"2 runs, {len(done)} done already" in out
    assert same(store, unbroken)
    attempts = [attempt.status for run_id in store.attempted() for attempt in store.attempts(run_id)]
    assert attempts.count("completed") == 2
    for folder in tmp_path.glob("runs/*/"):  # the last weights only
        assert [path.name for path in folder.glob("*.pth")] == ["last.pth"]


def test_a_killed_data_worker_fails_its_run_in_one_line(start, unbroken, tmp_path):
    process = start(tmp_path)
    worker, end = None, time.monotonic() + 60
    while worker is None and time.monotonic() < end:
        worker = next(filter(is_data_worker, descendants(process.pid)), None)
        time.sleep(0.02)
    os.kill(worker, signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == 1, out + err
    lines = [line for line in err.splitlines() if "a data worker died" in line]
    assert len(lines) == 1 and "Traceback" not in err
    assert "2 runs did not complete" in err and "not run: it needs a run that failed" in err
    store = Store(tmp_path)
    (run_id,) = store.attempted()
    (attempt,) = store.attempts(run_id)
    output = tmp_path / "runs" / run_id / "console.log"
    assert attempt.error.endswith(f"(output: {output.relative_to(tmp_path)})") and output.is_file()
    assert f"its output: {output}" in err

    out, err = (process := start(tmp_path)).communicate()
    assert process.returncode == 0, out + err
    assert same(store, unbroken)


def is_data_worker(pid: int) -> bool:
    """By the name that PyTorch gives it."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "pt_data_worker"
    except OSError:
        return False


def test_a_second_suite_in_the_folder_is_refused(start, tmp_path):
    first = start(tmp_path)
    assert under_way(first, tmp_path)
    first.send_signal(signal.SIGSTOP)  # or it may be done before the second has loaded its libraries
    second = start(tmp_path)
    out, err = second.communicate()
    assert (second.returncode, out) == (2, "")
    assert err.count("\n") == 1
    for word in (f"{tmp_path}: another suite is at work here", f"process {first.pid} on {socket.gethostname()}"):
        assert word in err
    everyone = descendants(first.pid)
    first.kill()
    first.communicate()
    assert are_gone(everyone)


def test_processes_under_torchrun_end_with_their_suite(start, tmp_path):
    process = start(tmp_path, "--executor", "subprocess", "--processes", "2")
    assert under_way(process, tmp_path)
    everyone = descendants(process.pid)
    words = [Path(f"/proc/{pid}/cmdline").read_text() for pid in everyone]
    assert sum("executors.job" in line and "torch.distributed.run" not in line for line in words) == 2
    process.kill()
    process.communicate()
    assert are_gone(everyone)
    assert not any(holder(folder)[1] for folder in tmp_path.glob("runs/*/"))
