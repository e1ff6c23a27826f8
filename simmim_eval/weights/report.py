"""What became of every tensor of a checkpoint and of every tensor of the backbone."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import NamedTuple

__all__ = ["Entry", "Report"]


class Entry(NamedTuple):
    """One tensor and why it is where it is."""

    name: str
    reason: str


@dataclass
class Report:
    """The end of every loading.

    Each tensor of the file is in exactly one of ``matched``, ``adapted``, ``dropped``, ``unexpected``; each persistent
    tensor of the backbone in exactly one of ``matched``, ``adapted``, ``new``, ``missing`` (a tensor whose shape does
    not fit is in ``missing`` under the backbone's name and in ``unexpected`` under the file's).

    Attributes:
        format: Name of the file's layout.
        matched: Copied as they are; the reason is the name in the file.
        adapted: Copied after a change of value; the reason is the change.
        new: Not in the file and not expected to be (output norms of dense tasks, the mask token).
        missing: Not in the file, or of another shape, though the backbone needs it. An error.
        unexpected: In the file, with no place in the backbone. An error.
        dropped: In the file and left out knowingly: heads, decoders, derived buffers.
    """

    format: str
    matched: list[Entry] = field(default_factory=list)
    adapted: list[Entry] = field(default_factory=list)
    new: list[Entry] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)
    unexpected: list[Entry] = field(default_factory=list)
    dropped: list[Entry] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The length of each list, for a record."""
        return {f.name: len(getattr(self, f.name)) for f in fields(self) if f.name != "format"}

    def summary(self) -> str:
        """One line: ``official Swin: 93 matched, 6 new (output norm of a dense task 6), …``."""
        counts = [f"{len(self.matched)} matched"]
        for name in ("adapted", "new", "missing", "unexpected", "dropped"):
            if entries := getattr(self, name):
                reasons = Counter(entry.reason for entry in entries).most_common(4)
                counts.append(f"{len(entries)} {name} ({', '.join(f'{reason}: {n}' for reason, n in reasons)})")
        return f"{self.format}: " + ", ".join(counts)
