"""The form of a checkpoint format: where the backbone lies in the file, a key table, named value changes.

A key table is a list of rows (name in the file, name in the backbone). ``{stage}``, ``{block}``, ``{step}`` stand for
a number, ``{next}`` for the stage after ``{stage}``, ``{last}`` for the last stage, ``{p}`` for ``weight`` or ``bias``,
``{bn}`` for these and the state of a batch norm. The first row that fits wins, in both directions.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Size, Tensor

from simmim_eval.errors import CheckpointError
from simmim_eval.weights.report import Entry

__all__ = ["Format", "Row", "Split", "Translation"]

Row = tuple[str, str]
FIELDS = {
    "stage": r"\d+",
    "next": r"\d+",
    "block": r"\d+",
    "step": r"\d+",
    "p": "weight|bias",
    "bn": "weight|bias|running_mean|running_var|num_batches_tracked",
}
DERIVED = re.compile(r"\.(relative_position_index|relative_coords_table|attn_mask)$")
PARALLEL = "module."  # what DistributedDataParallel puts before every name
TWINS: tuple[Row, ...] = (("momentum_encoder.", "momentum encoder"),)


class Split(NamedTuple):
    """One tensor of the file that is several of the backbone, in equal parts along its first side.

    Attributes:
        source: Its name in the file, as in a key table.
        targets: Name in the backbone of each part; None for a part without one, which is zero on the way back.
        reason: Why such a part has no name.
    """

    source: str
    targets: tuple[str | None, ...]
    reason: str


@dataclass
class Translation:
    """A file's tensors under the backbone's names.

    Attributes:
        state: Name in the backbone to tensor.
        sources: Name in the backbone to name in the file.
        changes: Name in the backbone to what was done to the value, where it is a part of the file's.
        dropped: Tensors of the file left out knowingly, under the file's names.
        unexpected: Tensors of the file that the format does not know, under the file's names.
        of_clips: Whether the file's model takes clips.
        derived: Buffers that the backbone computes itself, by the file's names without the prefix.
    """

    state: dict[str, Tensor] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)
    dropped: list[Entry] = field(default_factory=list)
    unexpected: list[Entry] = field(default_factory=list)
    of_clips: bool = False
    derived: dict[str, Tensor] = field(default_factory=dict)


class Format(ABC):
    """One foreign layout of one family, in both directions.

    Subclasses give ``name``, ``family``, ``anchor`` (a tensor that every file has once: what stands before it is the
    prefix, and its sides tell images from clips), ``keys`` (the key table), ``splits``, ``parts`` (rows of a beginning
    of a name beside the backbone and the reason to drop it) and :meth:`claims`; where values differ too, also
    :meth:`value_to_ours` and :meth:`value_from_ours`.
    """

    name: str
    family: str
    anchor: str
    keys: Sequence[Row]
    splits: Sequence[Split] = ()
    parts: Sequence[Row] = ()

    @abstractmethod
    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """Whether the backbone is of this format, from its prefix and its shapes by name without the prefix."""

    def value_to_ours(self, name: str, value: Tensor) -> Tensor:
        """The value of tensor ``name`` (in the backbone) made from the file's."""
        return value

    def value_from_ours(self, name: str, value: Tensor) -> Tensor:
        """The inverse of :meth:`value_to_ours`."""
        return value

    def prefix(self, names: Iterable[str]) -> str | None:
        """What stands before the backbone's own names in the file; None if there is no backbone, or more than one.

        The copy that a momentum method trains beside the backbone does not count.
        """
        ends = [name for name in names if name == self.anchor or name.endswith(f".{self.anchor}")]
        ends = [name for name in ends if not _starts(name, TWINS)]
        return ends[0].removesuffix(self.anchor) if len(ends) == 1 else None

    def detect(self, shapes: Mapping[str, Size]) -> bool:
        """Whether a file with these names and shapes is of this format."""
        prefix = self.prefix(shapes)
        if prefix is None:
            return False
        inside = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
        return self.claims(prefix, inside)

    def to_ours(self, state: Mapping[str, Tensor]) -> Translation:
        """Translate a whole file of this format; every tensor ends in one list of the result, a split one by parts."""
        prefix = self.prefix(state)
        if prefix is None:
            raise CheckpointError(f"not a file of format {self.name}: {self.anchor} is not in it exactly once")
        last = max(_stages(state, prefix), default=0)
        result = Translation(of_clips=state[prefix + self.anchor].dim() == 5)
        for key, value in state.items():
            own = key.removeprefix(prefix) if key.startswith(prefix) else None
            ours = None if own is None else _rename(own, self.keys, last, 0)
            if own is not None and DERIVED.search(own):
                result.derived[own] = value
            if ours is not None:
                result.state[ours] = self.value_to_ours(ours, value)
                result.sources[ours] = key
            elif own is not None and self._split(own, key, value, result):
                continue
            elif reason := self._reason_to_drop(key, prefix):
                result.dropped.append(Entry(key, reason))
            else:
                result.unexpected.append(Entry(key, f"a backbone tensor that {self.name} does not have"))
        return result

    def from_ours(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Translate a backbone's state dict to this format, without a prefix and without derived buffers.

        Raises:
            CheckpointError: the format has no place for a tensor.
        """
        last = max(_stages(state, ""), default=0)
        joined, parts = self._join(state)
        names = {ours: _rename(ours, self.keys, last, 1) for ours in state if ours not in parts}
        if homeless := [ours for ours, theirs in names.items() if theirs is None]:
            raise CheckpointError(f"{self.name} has no place for: {', '.join(homeless[:8])}. Remove them first.")
        return {theirs: self.value_from_ours(ours, state[ours]) for ours, theirs in names.items() if theirs} | joined

    def _split(self, own: str, key: str, value: Tensor, result: Translation) -> bool:
        """Put the parts of a split tensor into ``result``; False if it is none."""
        for split in self.splits:
            match = _pattern(split.source).fullmatch(own)
            if match is None or len(value) % len(split.targets):
                continue
            for i, (part, target) in enumerate(zip(value.chunk(len(split.targets)), split.targets, strict=True)):
                place = f"part {i + 1} of {len(split.targets)}"
                if target is None:
                    result.dropped.append(Entry(f"{key} ({place})", split.reason))
                    continue
                ours = target.format(**match.groupdict())
                result.state[ours], result.sources[ours] = part.clone(), key
                result.changes[ours] = f"{place} of {split.source.rpartition('}.')[2]}"
            return True
        return False

    def _join(self, state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], set[str]]:
        """The split tensors put together again, under the file's names, and the names of their parts."""
        joined: dict[str, Tensor] = {}
        parts: set[str] = set()
        for split in self.splits:
            first = next(target for target in split.targets if target is not None)
            for name in state:
                if match := _pattern(first).fullmatch(name):
                    names = [target and target.format(**match.groupdict()) for target in split.targets]
                    if not all(part in state for part in names if part):
                        continue
                    empty = torch.zeros_like(state[name])
                    joined[split.source.format(**match.groupdict())] = torch.cat(
                        [state[part] if part else empty for part in names]
                    )
                    parts.update(part for part in names if part)
        return joined, parts

    def _reason_to_drop(self, key: str, prefix: str) -> str | None:
        if DERIVED.search(key):
            return "recomputed buffer"
        if reason := _starts(key.removeprefix(prefix), self.parts) or _starts(key, (*TWINS, *self.parts)):
            return reason
        return None if key.startswith(prefix) else "other parts of the model"


def _starts(key: str, rows: Iterable[Row]) -> str | None:
    """The reason of the first row whose beginning the name has."""
    bare = key.removeprefix(PARALLEL)
    return next((reason for start, reason in rows if bare.startswith(start)), None)


def _stages(names: Iterable[str], prefix: str) -> set[int]:
    pattern = re.compile(re.escape(prefix) + r"(?:layers|stages)\.(\d+)\.blocks\.")
    return {int(match[1]) for name in names if (match := pattern.match(name))}


def _rename(name: str, keys: Sequence[Row], last: int, side: int) -> str | None:
    """Read ``name`` by column ``side`` of the first row that fits and write it by the other column."""
    for row in keys:
        source, target = (column.replace("{last}", str(last)) for column in (row[side], row[1 - side]))
        match = _pattern(source).fullmatch(name)
        if match is None:
            continue
        values = match.groupdict()
        if "next" in values:
            values["stage"] = str(int(values["next"]) - 1)
        elif "stage" in values:
            values["next"] = str(int(values["stage"]) + 1)
        return target.format(**values)
    return None


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{piece}>{FIELDS[piece]})" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
    )
