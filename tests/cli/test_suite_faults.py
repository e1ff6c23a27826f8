"""What is wrong with a suite's folder, or with how it is asked for, is told in one line before anything runs."""

import os
import socket

import pytest
from suite_case import small_suite

from simmim_eval.launch.lock import holder, locked
from simmim_eval.results.store import Store

FEW = ["--cfg-options", "train_cfg.max_iters=2"]


@pytest.fixture
def suite(cli, demo_root, tmp_path):
    """``suite("run", ...)`` in this process; one transfer from random weights."""
    path = small_suite(tmp_path / "one.py", "random")

    def run(verb, *more, work_dir=tmp_path / "work", executor="debug"):
        words = ["suite", verb, path, "--work-dir", work_dir]
        if verb == "run":
            words += ["--data-root", demo_root, *FEW, "--executor", executor]
        return cli(*words, *more)

    return run


@pytest.fixture
def done(suite, tmp_path):
    outcome = suite("run")
    assert (outcome.code, outcome.err) == (0, ""), outcome
    (record,) = Store(tmp_path / "work").records()
    return record


def test_a_suite_while_another_is_at_work(suite, done, tmp_path):
    work = tmp_path / "work"
    before = sorted(work.rglob("*"))
    with locked(work, "x"):
        for verb, more in ("run", ()), ("clean", ("--yes",)):
            told = suite(verb, *more).refuses(work, "another suite", f"process {os.getpid()} on {socket.gethostname()}")
            assert "--work-dir" in told
    assert sorted(work.rglob("*")) == before
    assert holder(work) == (None, False)


def test_a_run_that_is_alive_is_not_run_twice(suite, done, tmp_path, monkeypatch):
    monkeypatch.setattr("simmim_eval.launch.run.PATIENCE", 0.1)
    Store(tmp_path / "work").record_path(done.run_id).unlink()
    with locked(tmp_path / "work" / "runs" / done.run_id, "x"):
        outcome = suite("run")
    assert outcome.code == 1
    assert f"{done.run_id}: another process is at work here (process {os.getpid()}" in outcome.err
    assert suite("run").code == 0


def test_a_folder_that_cannot_be_made(suite, tmp_path):
    (tmp_path / "file").write_text("")
    suite("run", work_dir=tmp_path / "file" / "work").refuses("file", "cannot be made", "--work-dir")


def test_options_of_other_executors(suite, tmp_path):
    suite("run", executor="cloud").refuses("--executor cloud", "local, debug, subprocess, slurm")
    suite("run", "--processes", "2").refuses("--processes 2", "subprocess or slurm")
    suite("run", "--slurm-args", "time=1").refuses("--slurm-args", "choose slurm")
    suite("run", "--slurm-args", "time", executor="slurm").refuses("--slurm-args time", "key=value")
    suite("run", executor="slurm").refuses("--executor slurm", "no srun")
    assert not (tmp_path / "work").exists()


def test_cleaning_lists_first_and_removes_when_told(suite, done, tmp_path):
    folder = tmp_path / "work" / "runs" / done.run_id
    (folder / "iter_1.pth").write_bytes(b"x" * 2000)
    listed = suite("clean")
    assert listed.code == 0
    assert f"{folder / 'iter_1.pth'}  (on the way of a completed run)" in listed.out
    assert "last.pth" in listed.out and "--weights removes it" in listed.out
    assert "2.0 kB to remove; nothing is removed without --yes" in listed.out
    assert (folder / "iter_1.pth").exists()

    assert "2.0 kB removed" in suite("clean", "--yes").out
    assert not (folder / "iter_1.pth").exists() and (folder / "last.pth").exists()
    assert "removed " in suite("clean", "--yes", "--weights").out
    assert not (folder / "last.pth").exists()
    assert Store(tmp_path / "work").read(done.run_id) == done
    assert "0 bytes removed" in suite("clean", "--yes", "--weights", "--unplanned").out


def test_cleaning_a_folder_of_no_suite(suite, tmp_path):
    suite("clean").refuses("no plan of", "--work-dir")
    assert not (tmp_path / "work").exists()
