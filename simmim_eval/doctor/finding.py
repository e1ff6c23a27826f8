"""What a check says, and how a mend names the right pip."""

import functools
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Finding", "Kind", "merge", "pip"]

Kind = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """One statement about the installation.

    Attributes:
        kind: ``fault``: something of ours cannot work; ``warning``: something may fail, or is not used.
        subject: What it is about, in a word or two.
        what: The state and, where it is not as it should be, the reason.
        mend: The one line that mends it, or for ``ok`` the line that some uses outside this package need; else empty.
    """

    kind: Kind
    subject: str
    what: str
    mend: str = ""


def merge(findings: Sequence[Finding]) -> list[Finding]:
    """Without a warning, or a further fault, that asks for the mend of a fault; what is ok stays."""
    faults = {one.mend for one in findings if one.kind == "fault"}
    kept: dict[str | int, Finding] = {}
    for index, one in enumerate(findings):
        if one.kind == "ok" or not one.mend:
            kept[index] = one
        elif one.kind == "fault" or one.mend not in faults:
            kept.setdefault(one.mend, one)
    return list(kept.values())


def pip(*arguments: str) -> str:
    """A pip command for this interpreter: ``pip("install", "numpy<2")``. Words with ``<`` or ``>`` are quoted."""
    words = (f'"{word}"' if set(word) & set("<>*!;") else word for word in arguments)
    return " ".join((_program(), *words))


@functools.cache
def _program() -> str:
    """``pip`` where a shell finds that of this interpreter, else the long form."""
    found = shutil.which("pip")
    own = Path(sys.executable).parent
    return "pip" if found and Path(found).parent == own else f"{sys.executable} -m pip"
