"""What the machine did to a run, as the message that the user needs: a full disk, a killed data worker."""

import errno
import re
from pathlib import Path

from simmim_eval.errors import UserError

__all__ = ["machine_fault"]

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
WORKER = re.compile(r"DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (is killed by signal|exited unexpectedly)")
WRITER = re.compile(r"PytorchStreamWriter|file write failed|unexpected pos \d+ vs")


def machine_fault(error: Exception, folder: Path) -> UserError | None:
    """The fault behind an error of the operating system or of PyTorch; None if it is another.

    Args:
        error: What ended the run.
        folder: Where the run wrote.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL:
            place = seen.filename or folder
            return UserError(f"{place}: no space is left there. Free some; the same command then tries again.")
        if isinstance(seen, OSError) and seen.errno in FORBIDDEN and _inside(seen.filename, folder):
            return UserError(
                f"{seen.filename}: cannot be written ({seen.strerror}). Change its permissions, or give another "
                "--work-dir."
            )
        if isinstance(seen, RuntimeError) and WORKER.search(str(seen)):
            return UserError(
                "a data worker died: something killed it, or memory ran out. Then lower num_workers of the loaders; "
                "the same command tries again."
            )
        if isinstance(seen, RuntimeError) and WRITER.search(str(seen)):
            return UserError(f"{folder}: a checkpoint cannot be written (is the disk full?). Free some space.")
        seen = seen.__cause__ or seen.__context__
    return None


def _inside(name: object, folder: Path) -> bool:
    return isinstance(name, str | Path) and Path(name).resolve().is_relative_to(folder)
