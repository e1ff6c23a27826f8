"""Where runs execute: one contract in ``base.py``, one place a file."""

from collections.abc import Mapping
from typing import Any

from simmim_eval.errors import ConfigError
from simmim_eval.launch.executors.base import Event, Executor
from simmim_eval.results.store import Store

__all__ = ["EXECUTORS", "Event", "Executor", "build_executor"]

EXECUTORS = ("local", "debug", "subprocess", "slurm")
IN_ONE_PROCESS = ("local", "debug")
LOCAL_JOBS, SLURM_JOBS = 2, 64


def build_executor(
    name: str, store: Store, jobs: int | None = None, processes: int = 1, slurm_args: Mapping[str, Any] | None = None
) -> Executor:
    """The executor of a name; it starts nothing yet.

    Args:
        name: One of ``EXECUTORS``.
        store: Where records and attempts go.
        jobs: Runs at once; None: 2 in ``local``, 1 in ``debug``, what the GPUs are enough for in ``subprocess``
            (without GPUs 1), 64 in ``slurm``.
        processes: Processes a run.
        slurm_args: Of ``slurm`` only.

    Raises:
        UserError: No such executor, an argument that it does not take, too few GPUs, no Slurm.
    """
    if name not in EXECUTORS:
        raise ConfigError(f"--executor {name}: expected {', '.join(EXECUTORS)}.")
    if name in IN_ONE_PROCESS and processes > 1:
        raise ConfigError(
            f"--processes {processes}: a run of --executor {name} is one process. Choose subprocess or slurm."
        )
    if name == "debug" and jobs not in (None, 1):
        raise ConfigError(f"--jobs {jobs}: --executor debug has one run at a time. Leave the option out.")
    if slurm_args and name != "slurm":
        raise ConfigError(f"--slurm-args: --executor {name} submits no jobs. Leave them out, or choose slurm.")
    if name == "debug":
        from simmim_eval.launch.executors.debug import Debug

        return Debug(store)
    if name == "subprocess":
        from simmim_eval.launch.executors.processes import Processes, visible_devices

        return Processes(store, jobs, processes, visible_devices())
    if name == "slurm":
        from simmim_eval.launch.executors.slurm import Slurm

        return Slurm(store, jobs or SLURM_JOBS, processes, slurm_args or {})
    from simmim_eval.launch.executors.local import Local

    return Local(store, jobs or LOCAL_JOBS)
