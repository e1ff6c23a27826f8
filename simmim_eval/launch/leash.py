"""No process outlives the one that started it: the kernel kills the child when its parent is gone (Linux).

The chain is suite, fork server, run, data worker; or suite, torchrun, run, data worker.
"""

import ctypes
import functools
import os
import signal

__all__ = ["SUITE", "end_with_parent", "leash_forks"]

SUITE = "SIMMIM_EVAL_SUITE"
"""Environment variable in which a fork server finds the process id of its suite."""

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)
_forking = 0  # the process that forks


def end_with_parent(parent: int) -> None:
    """Have this process killed as soon as its parent ends; it survives an ``exec``, but not a fork.

    Args:
        parent: Process id of the parent as the caller knows it: it may have ended before this call.
    """
    if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@functools.cache
def leash_forks() -> None:
    """From here on whatever this process forks, as PyTorch does for data workers, ends with it."""
    os.register_at_fork(before=_remember, after_in_child=lambda: end_with_parent(_forking))


def _remember() -> None:
    global _forking
    _forking = os.getpid()
