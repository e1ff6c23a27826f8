"""The installed command in a process of its own: streams, exit codes, interruption."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from demo_case import RECIPES

from simmim_eval.results.store import Store

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("simmim-eval")


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("recipe", ["classification", "segmentation"])
def test_a_missing_data_root_is_one_line_on_the_error_stream(tmp_path, recipe):
    arguments = ["--init", "random", "--data-root", tmp_path / "absent", "--work-dir", tmp_path / "work"]
    done = command("transfer", RECIPES[recipe], *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'absent'}: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_code_in_a_checkpoint_does_not_run(demo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": {"norm.weight": torch.zeros(3)}, "epoch": Bomb()}, "hostile.pth")
    arguments = ["--init", "simmim=hostile.pth", "--data-root", demo_root, "--work-dir", "work"]
    done = command("transfer", RECIPES["detection"], *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "mkdir" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.pth"]


def hear_interrupts() -> None:
    """A shell that starts the tests in the background lets its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupting_and_going_on(demo_root, tmp_path):
    arguments = ["pretrain", RECIPES["simmim"], "--data-root", demo_root, "--work-dir", tmp_path]
    options = ["--cfg-options", "train_cfg.max_iters=60", "--cfg-options", "default_hooks.checkpoint.interval=5"]
    words = [COMMAND, *map(str, arguments), *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, preexec_fn=hear_interrupts, **pipes) as process:
        for line in process.stdout:
            if "Saving checkpoint at 10 iterations" in line:
                process.send_signal(signal.SIGINT)
                break
        process.stdout.read()
        errors = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted; the attempt is kept" in errors and "Traceback" not in errors
    store = Store(tmp_path)
    (run_id,) = store.attempted()
    assert [attempt.status for attempt in store.attempts(run_id)] == ["interrupted"]

    done = subprocess.run([*words, "--resume"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "resumed epoch" in done.stdout
    assert store.read(run_id).budget.iterations == 60
    assert [attempt.status for attempt in store.attempts(run_id)] == ["interrupted", "completed"]
