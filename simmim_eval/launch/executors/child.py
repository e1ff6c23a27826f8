"""What a child of the fork server does: plan a suite or execute one run, and tell its parent through a pipe."""

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from simmim_eval.errors import UserError
from simmim_eval.launch.leash import SUITE, end_with_parent, leash_forks
from simmim_eval.launch.plan import PlannedRun, plan_suite
from simmim_eval.results.store import Store

__all__ = ["hear_stop", "plan_child", "run_child", "start", "write_output"]

SERVER, PRELOAD = "simmim_eval.launch.server", "simmim_eval.launch.preload"
STEPS_A_MESSAGE = 10


def start(target: Callable[..., None], arguments: tuple[Any, ...]) -> tuple[BaseProcess, Connection]:
    """Start ``target(sender, *arguments)`` in a child of the fork server; also the pipe's end to receive from."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # both are read by the server when it starts
    os.environ[SUITE] = str(os.getpid())
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([SERVER, PRELOAD])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(sender, *arguments))
    try:
        process.start()
    except (OSError, EOFError):  # the server was killed a moment ago
        process = context.Process(target=target, args=(sender, *arguments))
        process.start()
    sender.close()
    return process, receiver


def plan_child(sender: Connection, *arguments: Any) -> None:
    """Send ``("done", plan)``, or ``("error", message)``."""
    write_output(Path(os.devnull), sys.stdout.fileno())  # the libraries tell of every file they read,
    warnings.simplefilter("ignore")  # and of what is deprecated in them; a run's console.log has it all
    _report(sender, lambda: plan_suite(*arguments))


def run_child(sender: Connection, run: PlannedRun, store_root: Path) -> None:
    """Send ``("progress", (stage, done, total))`` on the way, then ``("done", None)`` or ``("error", message)``."""

    def progress(stage: str, done: int, total: int) -> None:
        if done % STEPS_A_MESSAGE == 0 or done == total:
            sender.send(("progress", (stage, done, total)))

    def work() -> None:
        from simmim_eval.launch.run import OUTPUT_FILE, complete, make_folder, work_dir

        store = Store(store_root)
        folder = work_dir(store, run.run_id)
        make_folder(folder)
        write_output(folder / OUTPUT_FILE, sys.stdout.fileno(), sys.stderr.fileno())
        complete(run, store, progress)

    hear_stop()
    leash_forks()
    _report(sender, work)


def hear_stop() -> None:
    """Let SIGTERM and Ctrl-C end this process in order, once: a second must not stop the writing down of the first."""

    def interrupt(number: int, frame: object) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)


def write_output(path: Path, *streams: int) -> None:
    """Let streams of this process, by their descriptors, go on at the end of a file."""
    with open(path, "a") as file:
        for stream in streams:
            os.dup2(file.fileno(), stream)


def _report(sender: Connection, work: Callable[[], Any]) -> None:
    """Send what ``work`` returns, or what a user needs to know of its failure."""
    with contextlib.suppress(BrokenPipeError):  # nobody waits for this run any more
        try:
            _check_server()
            sender.send(("done", work()))
        except UserError as error:
            sender.send(("error", str(error)))
        except KeyboardInterrupt:
            sender.send(("error", "interrupted"))
        except Exception as error:
            traceback.print_exc()
            sender.send(("error", f"{type(error).__name__}: {error}"))


def _check_server() -> None:
    """End with the server, and show an ImportError of what it should have loaded: there it is swallowed."""
    from simmim_eval.launch import server  # loaded by the server: its ids are there

    end_with_parent(server.PID)
    if PRELOAD not in sys.modules:
        import simmim_eval.launch.preload  # noqa: F401
