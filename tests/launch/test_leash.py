"""A child ends when its parent is killed, and so does what it forked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CHAIN = """
import os, sys, time
from simmim_eval.launch.leash import end_with_parent, leash_forks
top = os.getpid()
child = os.fork()
if child == 0:
    end_with_parent(top)
    leash_forks()
    grandchild = os.fork()
    if grandchild:
        print(os.getpid(), grandchild, flush=True)
    time.sleep(60)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def start(program: str, *arguments: object) -> tuple[subprocess.Popen, list[int]]:
    process = subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    return process, [int(word) for word in process.stdout.readline().split()]


def test_the_whole_chain_ends_with_its_head():
    process, below = start(CHAIN)
    assert all(map(alive, below)) and len(below) == 2
    process.kill()
    process.wait()
    assert all(map(ends, below))
    process.stdout.close()


def test_a_link_in_the_middle_takes_what_is_below():
    process, (child, grandchild) = start(CHAIN)
    os.kill(child, signal.SIGKILL)
    assert ends(child) and ends(grandchild)
    assert alive(process.pid)
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_parent_that_is_gone_already():
    late = (
        "import sys; from simmim_eval.launch.leash import end_with_parent; end_with_parent(int(sys.argv[1])); print(1)"
    )
    done = subprocess.run([sys.executable, "-c", late, "1"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    done = subprocess.run([sys.executable, "-c", late, str(os.getpid())], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_it_survives_an_exec():
    """As where torchrun takes a process's place."""
    program = """
import os, sys
from simmim_eval.launch.leash import end_with_parent
top = os.getpid()
if os.fork() == 0:
    end_with_parent(top)
    os.execv(sys.executable, [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
os.wait()
"""
    process, (child,) = start(program)
    process.kill()
    process.wait()
    assert ends(child)
    process.stdout.close()
