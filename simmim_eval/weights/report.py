"""What became of every tensor of a checkpoint and of every tensor of the backbone."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Entry", "Report"]

LISTS = ("matched", "adapted", "new", "missing", "unexpected", "dropped")


class Entry(NamedTuple):
    """One tensor and why it is where it is."""

    name: str
    reason: str


@dataclass
class Report:
    """The end of every loading.

    Each tensor of the file is in exactly one of ``matched``, ``adapted``, ``dropped``, ``unexpected``, one that is
    split or copied once for each part or copy; each persistent tensor of the backbone in exactly one of ``matched``,
    ``adapted``, ``new``, ``missing`` (a tensor whose shape does not fit is in ``missing`` under the backbone's name
    and in ``unexpected`` under the file's).

    Attributes:
        format: Name of the file's layout.
        matched: Copied as they are; the reason is the name in the file.
        adapted: Copied after a change of value; the reason is the change.
        new: Not in the file and not expected to be (output norms of dense tasks, the mask token).
        missing: Not in the file, or of another shape, though the backbone needs it. An error.
        unexpected: In the file, with no place in the backbone. An error.
        dropped: In the file and left out knowingly: heads, decoders, derived buffers.
        notes: What else a reader of the report should know, a sentence each: which of several sets of weights was
            taken, a setting of the backbone that does not go with the file.
        revision: What a name in a hub stood for when it was read; None for a file.
        provenance: What the file says of its pre-training, if this project wrote it; else None.
    """

    format: str
    matched: list[Entry] = field(default_factory=list)
    adapted: list[Entry] = field(default_factory=list)
    new: list[Entry] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)
    unexpected: list[Entry] = field(default_factory=list)
    dropped: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    revision: str | None = None
    provenance: dict[str, Any] | None = None

    def counts(self) -> dict[str, int]:
        """The length of each list of tensors, for a record."""
        return {name: len(getattr(self, name)) for name in LISTS}

    def summary(self) -> str:
        """One line: ``official Swin: 93 matched, 6 new (output norm of a dense task 6), …``, then the notes."""
        counts = [f"{len(self.matched)} matched"]
        for name in LISTS[1:]:
            if entries := getattr(self, name):
                reasons = Counter(entry.reason for entry in entries).most_common(4)
                counts.append(f"{len(entries)} {name} ({', '.join(f'{reason}: {n}' for reason, n in reasons)})")
        return ". ".join([f"{self.format}: " + ", ".join(counts), *self.notes])
