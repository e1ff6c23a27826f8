"""One process at a time in a folder, and none for longer than it lives."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from simmim_eval.errors import UserError
from simmim_eval.launch.lock import LOCK_FILE, holder, locked

HOLD = """
import sys, time
from pathlib import Path
from simmim_eval.launch.lock import locked
with locked(Path(sys.argv[1]), "x"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """A process that holds the lock of ``tmp_path`` until its input ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_other_one_is_named(other, tmp_path):
    with pytest.raises(UserError) as refused, locked(tmp_path, "another suite", patience=0):
        pass
    for word in (str(tmp_path), "another suite", f"process {other.pid} on {socket.gethostname()}", "--work-dir"):
        assert word in str(refused.value)
    who, alive = holder(tmp_path)
    assert (who.pid, who.host, alive) == (other.pid, socket.gethostname(), True)


def test_a_killed_holder_lets_go_and_is_told_of(other, tmp_path):
    other.send_signal(signal.SIGKILL)
    other.wait()
    who, alive = holder(tmp_path)
    assert (who.pid, alive) == (other.pid, False)
    with locked(tmp_path, "x", patience=0) as left:
        assert left == who
        assert holder(tmp_path)[0].pid == os.getpid()
    with locked(tmp_path, "x", patience=0) as left:
        assert left is None


def test_a_holder_that_ends_leaves_nothing(other, tmp_path):
    other.stdin.close()
    other.wait()
    assert holder(tmp_path) == (None, False)


def test_an_error_inside_is_an_orderly_end(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path, "x"):
        raise KeyError
    assert holder(tmp_path) == (None, False)


def test_patience(tmp_path):
    """As for a run whose process is being killed."""
    entered = threading.Event()

    def hold() -> None:
        with locked(tmp_path, "x"):
            entered.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    with locked(tmp_path, "x", patience=5) as left:
        assert left is None
    thread.join()


def test_a_forked_child_does_not_hold_it(tmp_path):
    with locked(tmp_path, "x"):
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
    try:
        with locked(tmp_path, "x", patience=0):
            assert holder(tmp_path)[1]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_lock_file_that_says_nothing(tmp_path):
    (tmp_path / LOCK_FILE).write_text('{"pid": 1, "colour": "red"}')
    with locked(tmp_path, "x", patience=0) as left:
        assert left is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_folder_that_takes_nothing(tmp_path, monkeypatch, number):
    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(UserError, match=os.strerror(number)), locked(tmp_path, "x"):
        pass
    monkeypatch.undo()
    with locked(tmp_path, "x", patience=0):
        pass


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"absent.*No such file"), locked(tmp_path / "absent", "x"):
        pass
    assert holder(tmp_path / "absent") == (None, False)
