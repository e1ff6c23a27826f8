"""What a child of the fork server does: plan a suite or execute one run, and tell its parent through a pipe."""

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
from simmim_eval.launch.plan import PlannedRun, plan_suite
from simmim_eval.results.store import Store

__all__ = ["plan_child", "run_child", "start"]

PRELOAD = "simmim_eval.launch.preload"
STEPS_A_MESSAGE = 10


def start(target: Callable[..., None], arguments: tuple[Any, ...]) -> tuple[BaseProcess, Connection]:
    """Start ``target(sender, *arguments)`` in a child of the fork server; also the pipe's end to receive from."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the server when it starts
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(sender, *arguments))
    process.start()
    sender.close()
    return process, receiver


def plan_child(sender: Connection, *arguments: Any) -> None:
    """Send ``("done", plan)``, or ``("error", message)``."""
    _write_output(Path(os.devnull), sys.stdout.fileno())  # the libraries tell of every file they read,
    warnings.simplefilter("ignore")  # and of what is deprecated in them; a run's console.log has it all
    _report(sender, lambda: plan_suite(*arguments))


def run_child(sender: Connection, run: PlannedRun, store_root: Path) -> None:
    """Send ``("progress", (stage, done, total))`` on the way, then ``("done", None)`` or ``("error", message)``."""

    def progress(stage: str, done: int, total: int) -> None:
        if done % STEPS_A_MESSAGE == 0 or done == total:
            try:
                sender.send(("progress", (stage, done, total)))
            except BrokenPipeError:  # nobody waits for this run any more
                raise KeyboardInterrupt from None

    def complete() -> None:
        from simmim_eval.launch.run import make_folder, work_dir
        from simmim_eval.launch.run import run as run_one

        store = Store(store_root)
        folder = work_dir(store, run.run_id)
        make_folder(folder)
        _write_output(folder / "console.log", sys.stdout.fileno(), sys.stderr.fileno())
        run_one(run.request, store, progress=progress)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _interrupt)
    _report(sender, complete)


def _report(sender: Connection, work: Callable[[], Any]) -> None:
    """Send what ``work`` returns, or what a user needs to know of its failure."""
    try:
        if PRELOAD not in sys.modules:
            import simmim_eval.launch.preload  # noqa: F401  the server swallows an ImportError; here it shows
        sender.send(("done", work()))
    except UserError as error:
        sender.send(("error", str(error)))
    except KeyboardInterrupt:
        sender.send(("error", "interrupted"))
    except Exception as error:
        traceback.print_exc()
        sender.send(("error", f"{type(error).__name__}: {error}"))


def _interrupt(number: int, frame: object) -> None:
    """Stop once: a second signal must not stop the writing down of the first."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def _write_output(path: Path, *streams: int) -> None:
    with open(path, "a") as file:
        for stream in streams:
            os.dup2(file.fileno(), stream)
