"""What lies in a run's folder at any moment: the newest whole checkpoint, and in the end the last weights alone."""

import errno
import os
from pathlib import Path

import pytest
import torch
from hard_recipe import ITERATIONS, hard_request, run_here, run_until_killed, write_recipe
from mmengine.fileio import LocalBackend

from simmim_eval.engine.checkpoint import CHECKPOINT_FILE, newest_checkpoint, read_past
from simmim_eval.engine.execute import execute
from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import CheckpointError
from simmim_eval.records import equal_records

HEADER = {"run_id": "0123456789abcdef", "train_seconds": 2.0, "init": {"kind": "random"}}


def whole_checkpoint(path: Path, age: int = 0, **header) -> Path:
    torch.save({"state_dict": {"w": torch.zeros(3)}, "simmim_eval": HEADER | header}, path)
    os.utime(path, (1000 - age, 1000 - age))
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.suffix == ".pth")


class Stop(Exception):
    """Not an error of ours."""


def stop_at(step: int, stage: str = "train", before=lambda: None):
    def progress(now: str, done: int, total: int) -> None:
        if (now, done) == (stage, step):
            before()
            raise Stop

    return progress


@pytest.fixture(scope="module")
def ask(demo_root, tmp_path_factory):
    path = write_recipe(tmp_path_factory.mktemp("recipe"), ITERATIONS)
    return hard_request(path, demo_root)


@pytest.fixture(scope="module")
def unbroken(ask, tmp_path_factory):
    root = tmp_path_factory.mktemp("unbroken")
    return root, run_here(ask, root)


def test_what_is_not_whole_is_passed_over(tmp_path):
    older = whole_checkpoint(tmp_path / "iter_2.pth", age=9)
    newer = whole_checkpoint(tmp_path / "iter_4.pth", age=5)
    (tmp_path / "iter_6.pth").write_bytes(newer.read_bytes()[:400])
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_9.pth"))
    assert newest_checkpoint(tmp_path) == newer
    newer.unlink()
    assert newest_checkpoint(tmp_path) == older
    older.unlink()
    assert newest_checkpoint(tmp_path) is None


def test_the_past_is_that_of_the_same_run(tmp_path):
    own = whole_checkpoint(tmp_path / "epoch_1.pth", age=9)
    whole_checkpoint(tmp_path / "epoch_2.pth", run_id="f" * 16)
    past = read_past(tmp_path, HEADER["run_id"])
    assert (past.path, past.trained, past.train_seconds, past.init) == (own, False, 2.0, {"kind": "random"})
    assert read_past(tmp_path, "a" * 16).path is None
    last = whole_checkpoint(tmp_path / CHECKPOINT_FILE, age=100)
    assert read_past(tmp_path, HEADER["run_id"]).path == last
    assert read_past(tmp_path, HEADER["run_id"]).trained


def test_in_the_end_the_last_weights_alone(unbroken):
    root, record = unbroken
    folder = root / "runs" / record.run_id
    assert files(folder) == [CHECKPOINT_FILE] and not (folder / "last_checkpoint").exists()
    content = torch.load(folder / CHECKPOINT_FILE, weights_only=True)
    assert "optimizer" not in content
    assert content["simmim_eval"]["train_seconds"] == record.cost.train_seconds > 0


def test_on_the_way_the_newest_alone(ask, tmp_path):
    run = prepare(ask)
    folder = tmp_path / "runs" / run.run_id
    with pytest.raises(Stop):
        execute(run, folder, tmp_path, progress=stop_at(7))
    assert [name for name in files(folder) if "best" not in name] == ["iter_6.pth"]
    torch.load(folder / "iter_6.pth", weights_only=True)
    (folder / ".iter_8.pth.x.pth").write_bytes(b"half")  # what SIGKILL leaves
    with pytest.raises(Stop):
        execute(run, folder, tmp_path, progress=stop_at(1))  # without resume nothing of it is used or kept
    assert files(folder) == []


def test_a_full_disk_loses_nothing(ask, unbroken, tmp_path, monkeypatch):
    run = prepare(ask)
    folder = tmp_path / "runs" / run.run_id
    put = LocalBackend.put

    def full(self, data: bytes, path: str) -> None:
        if "iter_6" in str(path):
            Path(path).write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(self, data, path)

    monkeypatch.setattr(LocalBackend, "put", full)
    with pytest.raises(CheckpointError) as fault:
        execute(run, folder, tmp_path)
    assert str(fault.value).startswith(f"{folder / 'iter_6.pth'}: cannot be written (No space left on device).")
    assert newest_checkpoint(folder) == folder / "iter_4.pth"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    monkeypatch.undo()
    told = []
    record = execute(run, folder, tmp_path, resume=True, progress=lambda *step: told.append(step))
    assert told[0] == ("train", 5, 9)
    assert equal_records(record, unbroken[1])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_became_read_only(ask, tmp_path):
    run = prepare(ask)
    folder = tmp_path / "runs" / run.run_id
    with pytest.raises(CheckpointError, match="Permission denied"):
        execute(run, folder, tmp_path, progress=lambda stage, done, total: done == 3 and folder.chmod(0o500))
    folder.chmod(0o700)
    assert newest_checkpoint(folder) == folder / "iter_2.pth"


def test_a_folder_that_cannot_be_written(ask, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(LocalBackend, "put", refuse)
    with pytest.raises(CheckpointError, match=r"iter_2.pth: cannot be written \(Permission denied\)"):
        run_here(ask, tmp_path)


@pytest.mark.slow
def test_killed_while_it_was_tested(ask, unbroken, tmp_path):
    run_until_killed(ask, tmp_path, 1, stage="test")
    (folder,) = (tmp_path / "runs").iterdir()
    assert files(folder) == [CHECKPOINT_FILE]
    told = []
    record = run_here(ask, tmp_path, resume=True, progress=lambda *step: told.append(step[0]))
    assert set(told) == {"test"}
    assert equal_records(record, unbroken[1])
    assert 0 < record.cost.train_seconds <= record.cost.seconds


@pytest.mark.slow
def test_resuming_needs_no_initial_weights(ask, unbroken, tmp_path):
    root, first = unbroken
    source = tmp_path / "first.pth"
    source.write_bytes((root / first.artifacts["checkpoint"]).read_bytes())
    run = prepare(hard_request(Path(ask.config), ask.data_root, f"supervised={source}"))
    expected = execute(run, tmp_path / "a", tmp_path)
    assert expected.init.matched > 0 and expected.init.provenance.images_seen == 72
    with pytest.raises(Stop):
        execute(run, tmp_path / "b", tmp_path, progress=stop_at(5))
    source.unlink()
    assert equal_records(execute(run, tmp_path / "b", tmp_path, resume=True), expected)


@pytest.mark.slow
def test_the_cost_of_attempts_adds_up(ask, tmp_path):
    run = prepare(ask)
    folder = tmp_path / "runs" / run.run_id
    with pytest.raises(Stop):
        execute(run, folder, tmp_path, progress=stop_at(5))
    path = newest_checkpoint(folder)
    content = torch.load(path, weights_only=True)
    content["simmim_eval"]["train_seconds"] += 1000
    torch.save(content, path)
    record = execute(run, folder, tmp_path, resume=True)
    assert 1000 < record.cost.train_seconds < record.cost.seconds < 1100
    header = torch.load(folder / CHECKPOINT_FILE, weights_only=True)["simmim_eval"]
    assert header["provenance"]["cost_seconds"] == record.cost.train_seconds
