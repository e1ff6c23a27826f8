"""A run in a process of its own: how it is told what to run, and what it tells of its progress.

``python -m simmim_eval.launch.executors.job PARENT PROCESSES STORE RUN``, the run as JSON. The outcome is in the store:
a record, or an attempt. Progress is a small file in the run's folder, so that it is seen from other machines too.
"""

import ast
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest
from simmim_eval.errors import UserError
from simmim_eval.files import write_atomic
from simmim_eval.launch.distributed import is_main
from simmim_eval.launch.executors.child import hear_stop
from simmim_eval.launch.leash import end_with_parent, leash_forks
from simmim_eval.launch.plan import PlannedRun
from simmim_eval.launch.run import complete, work_dir
from simmim_eval.results.store import Store

__all__ = ["command", "decode", "encode", "execute_here", "read_progress"]

MODULE = "simmim_eval.launch.executors.job"
PROGRESS_FILE = ".progress"
SECONDS_A_MESSAGE = 1.0
INTERRUPTED = 130


def command(run: PlannedRun, store: Store, processes: int) -> list[str]:
    """The command line of a run; this process must stay its parent."""
    return _command(os.getpid(), processes, str(store.root.resolve()), encode(run))


def encode(run: PlannedRun) -> str:
    """A planned run as JSON; options as Python literals, which tell a tuple from a list."""
    request = run.request
    return json.dumps(
        {
            **{name: getattr(run, name) for name in ("run_id", "task", "title", "label", "needs")},
            **{name: getattr(request, name) for name in ("config", "seed", "split", "produced_by", "init_seed")},
            "init": str(request.init),
            "data_root": str(request.data_root),
            "options": {key: repr(value) for key, value in request.options.items()},
        }
    )


def decode(text: str) -> PlannedRun:
    """What :func:`encode` was given."""
    plain: dict[str, Any] = json.loads(text)
    options = {key: ast.literal_eval(value) for key, value in plain.pop("options").items()}
    init, data_root = InitSource.parse(plain.pop("init")), Path(plain.pop("data_root"))
    run = {name: plain.pop(name) for name in ("run_id", "task", "title", "label")}
    needs = tuple(plain.pop("needs"))
    return PlannedRun(**run, needs=needs, request=RunRequest(init=init, data_root=data_root, options=options, **plain))


def execute_here(run: PlannedRun, store: Store) -> None:
    """Make this process, or one of several, the run's.

    Raises:
        UserError: As :func:`~simmim_eval.launch.run.run`.
    """
    import simmim_eval.launch.preload  # noqa: F401

    leash_forks()
    path = work_dir(store, run.run_id) / PROGRESS_FILE
    told = 0.0

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() > told + SECONDS_A_MESSAGE:
            told = time.monotonic()
            with contextlib.suppress(OSError):  # nobody's run ends over this
                write_atomic(path, json.dumps([stage, done, total]), overwrite=True)

    try:
        complete(run, store, progress if is_main() else None)
    finally:
        path.unlink(missing_ok=True)


def read_progress(run: PlannedRun, store: Store) -> tuple[str, int, int] | None:
    """Stage, steps done and steps in all, as the run last told; None before that."""
    try:
        stage, done, total = json.loads((work_dir(store, run.run_id) / PROGRESS_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return stage, done, total


def _command(parent: int, processes: int, store: str, run: str) -> list[str]:
    return [sys.executable, "-m", MODULE, str(parent), str(processes), store, run]


def _main(parent: int, processes: int, root: str, text: str) -> None:
    end_with_parent(parent)
    if processes > 1:  # torchrun takes this process's place and id
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        words = [sys.executable, *torchrun, *_command(os.getpid(), 1, root, text)[1:]]
        os.execv(sys.executable, words)
    hear_stop()
    try:
        execute_here(decode(text), Store(root))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
