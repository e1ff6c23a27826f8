"""The right to work in a folder: one process at a time, and none for longer than it lives.

``flock`` on a file in the folder, so the kernel lets go when the process ends, however it ends. The file says who
holds it, and still says so after a process that was killed. Between machines this holds as far as their file system
carries ``flock``: Linux' NFS does since 2.6.12, unless it is mounted with ``local_lock``.
"""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from simmim_eval.errors import UserError
from simmim_eval.records import utc_now

__all__ = ["LOCK_FILE", "Holder", "holder", "locked"]

LOCK_FILE = ".lock"
LOOK_AGAIN = 0.2  # seconds
A_GLANCE = 1.0  # seconds; someone may look at this moment whether the lock is held

_held: set[int] = set()


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, or held it when it was killed.

    Attributes:
        pid: Process id.
        host: Name of the machine.
        started: When it took the lock, UTC.
    """

    pid: int
    host: str
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.started}"


@contextmanager
def locked(folder: Path, what: str, patience: float = A_GLANCE) -> Iterator[Holder | None]:
    """Hold a folder's lock; yields who was killed while holding it, None if the last holder ended in order.

    Args:
        folder: It exists.
        what: For the message: what the other one is, ``another suite``.
        patience: Seconds to wait for another holder.

    Raises:
        UserError: Another process holds it, or the file cannot be written.
    """
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _unwritable(folder, error) from error
    _held.add(descriptor)
    try:
        _acquire(descriptor, folder, what, patience)
        left = _read(descriptor)
        _sign(descriptor, folder)
        try:
            yield left
        finally:
            os.ftruncate(descriptor, 0)
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # whatever was forked this moment and has a copy
    finally:
        if descriptor in _held:
            _held.discard(descriptor)
            os.close(descriptor)


def holder(folder: Path) -> tuple[Holder | None, bool]:
    """Who is named in a folder's lock, and whether it is held now: (None, False) where nobody is or was killed."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except OSError:
        return None, False
    try:
        return _read(descriptor), not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path, what: str, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            if _try(descriptor, fcntl.LOCK_EX):
                return
        except OSError as error:
            raise UserError(f"{folder}: its file system has no locks ({error.strerror}). Use another one.") from error
        if time.monotonic() > end:
            who = _read(descriptor)
            told = f"{who}; to stop it there: kill {who.pid}" if who else "it does not say who it is"
            raise UserError(f"{folder}: {what} is at work here ({told}). Wait for it, or give another --work-dir.")
        time.sleep(LOOK_AGAIN)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, TypeError):  # empty, or written by nobody of ours
        return None


def _sign(descriptor: int, folder: Path) -> None:
    me = Holder(os.getpid(), socket.gethostname(), utc_now())
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(me)).encode(), 0)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> UserError:
    mend = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Change its permissions"
    return UserError(f"{folder}: cannot be written ({error.strerror}). {mend}, or give another --work-dir.")


def _let_go() -> None:
    """A forked child would hold the lock too."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
