"""What a check found, as data: counts, findings by kind, facts."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from simmim_eval.data.check.kinds import KINDS

__all__ = ["Count", "Finding", "Group", "Report"]


class Count(msgspec.Struct, frozen=True):
    """How many there are.

    Attributes:
        what: Such as ``train images``.
        found: On the disk.
        official: In the published data set; None where there is no such number.
    """

    what: str
    found: int
    official: int | None = None


class Finding(msgspec.Struct, frozen=True):
    """One file or entry, printable, and what is wrong with it (empty: the kind says all)."""

    where: str
    detail: str = ""


class Group(msgspec.Struct, frozen=True):
    """All findings of one kind."""

    kind: str
    severity: Literal["fault", "note"]
    title: str
    mend: str
    findings: list[Finding]


class Report(msgspec.Struct, frozen=True):
    """The end of a check.

    Attributes:
        dataset: ``imagenet``, ``coco``, ``ade20k`` or ``k400``.
        root: The folder.
        mode: ``quick`` or ``full``.
        official: Whether the counts were held against the published ones.
        counts: Of files, classes and annotations.
        groups: Faults first.
        facts: What else was seen, by name: histograms of labels, of formats, known copies.
        examined: Files that were opened for this report.
        cached: Files whose result was known from an earlier check.
    """

    dataset: str
    root: str
    mode: Literal["quick", "full"]
    official: bool
    counts: list[Count]
    groups: list[Group]
    facts: dict[str, Any]
    examined: int
    cached: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that stops a run or spoils its number."""
        return not any(group.severity == "fault" for group in self.groups)


def _place(finding: Finding) -> str:
    return finding.where


def grouped(findings: Mapping[str, list[Finding]]) -> list[Group]:
    """Findings by kind in the order of :data:`KINDS`, faults first."""
    groups = [
        Group(kind, "fault" if known.is_fault else "note", known.title, known.mend, sorted(findings[kind], key=_place))
        for kind, known in KINDS.items()
        if findings.get(kind)
    ]
    return sorted(groups, key=lambda group: group.severity)
