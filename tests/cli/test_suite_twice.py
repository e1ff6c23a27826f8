"""The demo's suite, cut down, as a user runs it: twice, and the same comes out; once more, and nothing runs."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simmim_eval.records import equal_records
from simmim_eval.results.store import Store

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("simmim-eval")
STEPS = ["--cfg-options", "train_cfg.max_iters=3"]
INITS, TASKS = ("random", "supervised", "simmim"), ("detection", "recognition", "segmentation", "classification")


def suite(verb: str, data_root: Path, work_dir: Path, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = ["suite", verb, "suites/demo.py", "--data-root", data_root, "--work-dir", work_dir, *STEPS, *more]
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def first(demo_root, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("first")
    done = suite("run", demo_root, work_dir)
    assert done.returncode == 0, done.stderr
    return done, work_dir


def test_all_runs_are_recorded_and_shown(first):
    done, work_dir = first
    records = list(Store(work_dir).records())
    assert sorted(
        (record.protocol.task, record.init.kind) for record in records if record.kind == "transfer"
    ) == sorted((task, init) for task in TASKS for init in INITS)
    assert sum(record.kind == "pretrain" for record in records) == 2
    assert "14 runs, 0 done already" in done.stdout
    assert done.stdout.count("completed ") == 14
    for word in ("SimMIM", "supervised", "random", "box AP", "mIoU", "14 records", "Demo suite"):
        assert word in done.stdout, word
    assert "Warning" not in done.stderr and "Traceback" not in done.stderr


def test_another_place_gives_equal_records(first, demo_root, tmp_path):
    """Other folders, three runs at a time instead of two: every number is the same to the last digit."""
    _, work_dir = first
    shutil.copytree(demo_root, tmp_path / "data")
    done = suite("run", tmp_path / "data", tmp_path / "work", "--jobs", "3")
    assert done.returncode == 0, done.stderr
    one, other = (list(Store(root).records()) for root in (work_dir, tmp_path / "work"))
    assert [record.run_id for record in one] == [record.run_id for record in other]
    assert len(one) == 14
    for record, again in zip(one, other, strict=True):
        assert equal_records(record, again), (record.protocol.task, record.init.kind)
    tables = [(root / "tables" / "table.csv").read_text() for root in (work_dir, tmp_path / "work")]
    assert [row[:3] for row in csv.reader(tables[0].splitlines())] == [
        row[:3] for row in csv.reader(tables[1].splitlines())
    ]


def test_weights_of_the_pretraining_reach_every_task(first):
    for record in Store(first[1]).records():
        if record.kind == "transfer" and record.init.kind != "random":
            assert record.init.matched + record.init.adapted > 0
            assert record.init.missing == record.init.unexpected == 0
            assert record.init.provenance.method == record.init.kind
            assert record.init.provenance.images_seen == 3 * 32


def test_the_three_files_hold_one_table(first, tmp_path):
    work_dir = first[1]
    markdown, table_csv, table_json = (work_dir / "tables" / f"table.{kind}" for kind in ("md", "csv", "json"))
    assert json.loads(table_json.read_text())["heading"].startswith("Demo suite")
    assert {row["init"] for row in csv.DictReader(table_csv.read_text().splitlines())} >= set(INITS)
    assert markdown.read_text().count("\n|") >= 4
    again = subprocess.run(
        [COMMAND, "table", work_dir, "--suite", "suites/demo.py", "--out", tmp_path], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    for path in (markdown, table_csv, table_json):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_what_is_done_is_skipped_and_what_is_gone_is_run(first, demo_root, tmp_path):
    work_dir = tmp_path / "work"
    shutil.copytree(first[1], work_dir)
    record = next(
        r for r in Store(work_dir).records() if r.protocol.task == "classification" and r.init.kind == "simmim"
    )
    path = Store(work_dir).record_path(record.run_id)
    path.unlink()

    lines = suite("status", demo_root, work_dir).stdout.splitlines()
    states = {line.split()[0]: line.split()[1] for line in lines}
    assert len(states) == 14
    assert states.pop(record.run_id) == "waiting"
    assert set(states.values()) == {"done"}

    before = {path: path.stat().st_mtime_ns for path in (work_dir / "records").iterdir()}
    done = suite("run", demo_root, work_dir)
    assert done.returncode == 0, done.stderr
    assert "14 runs, 13 done already" in done.stdout
    assert equal_records(Store(work_dir).read(record.run_id), record)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_failure_ends_in_a_summary_and_a_hole_in_the_table(first, demo_root, tmp_path):
    """A video that cannot be read: three runs fail, the table has the rest, and the exit code tells."""
    data_root, work_dir = tmp_path / "data", tmp_path / "work"
    shutil.copytree(demo_root, data_root)
    path = min((data_root / "kinetics" / "train").iterdir())
    path.write_bytes(b"x" * path.stat().st_size)  # the same sizes: only what reads it can tell
    shutil.copytree(first[1], work_dir)
    for record in list(Store(work_dir).records()):
        if record.protocol.task == "recognition":
            Store(work_dir).record_path(record.run_id).unlink()
            shutil.rmtree(work_dir / "runs" / record.run_id)  # with last weights left, it would only be tested

    done = suite("run", data_root, work_dir)
    assert done.returncode == 1
    assert "3 runs did not complete" in done.stderr
    assert sum(str(path) in line for line in done.stderr.splitlines()) == 3
    assert "mIoU" in done.stdout and "failed" in done.stdout
    lines = suite("status", data_root, work_dir).stdout.splitlines()
    assert sum("failed" in line and str(path) in line for line in lines) == 3


def test_a_broken_library_is_told_before_anything_runs(demo_root, tmp_path, monkeypatch):
    """The fork server swallows an ImportError of what it should have loaded; the first child does not."""
    (tmp_path / "mmaction").mkdir()
    (tmp_path / "mmaction" / "__init__.py").write_text('raise ImportError("this mmaction is broken")')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = suite("run", demo_root, tmp_path / "work")
    assert done.returncode == 2
    assert "this mmaction is broken" in done.stderr
    assert not (tmp_path / "work").exists()
