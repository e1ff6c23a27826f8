"""What must be equal before two numbers may stand in one column of a same-recipe table.

Between records of one backbone all but the initialisation: protocol, budget with its recipe, initialisation profile,
precision, numerics version, and the metric's own unit, direction and floor. Between backbones the recipe and the
profile may follow the backbone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from simmim_eval.records import Metric, Record, canonical_json

__all__ = ["departures", "flatten", "mixture"]

_FOLLOWS_BACKBONE = ("budget.recipe", "init_profile.", "backbone.")


def flatten(part: msgspec.Struct) -> dict[str, Any]:
    """All scalar fields of a struct by their dotted path; lists count as one value."""
    return _flat(msgspec.to_builtins(part, builtin_types=()), "")


def mixture(records: Sequence[Record], metric: str) -> str | None:
    """The first field in which records of one cell differ, with both values; None if they may be averaged."""
    parts = [_comparable(record, metric) for record in records]
    return next((found for part in parts[1:] if (found := _difference(part, parts[0]))), None)


def departures(records: Sequence[Record], metric: str) -> list[str | None]:
    """For each record (one a cell, all of one column) the first field in which it departs from the usual value.

    The usual is what most of the records have; of equally many, what comes first.
    """
    parts = [_comparable(record, metric) for record in records]
    everywhere = [{name: value for name, value in part.items() if not _follows(name)} for part in parts]
    found = _against_usual(everywhere)
    for title in {record.title for record in records}:
        group = [i for i, record in enumerate(records) if record.title == title and found[i] is None]
        for i, departure in zip(group, _against_usual([parts[i] for i in group]), strict=True):
            found[i] = departure
    return found


def _comparable(record: Record, metric: str) -> dict[str, Any]:
    names = ("protocol", "budget", "init_profile", "backbone")
    part = {f"{name}.{field}": value for name in names for field, value in flatten(getattr(record, name)).items()}
    part |= {"precision": record.precision, "numerics_version": record.numerics_version}
    found: Metric | None = record.metric(metric)
    if found is not None:
        fields = ("unit", "higher_is_better", "floor", "num_samples")
        part |= {f"metrics.{metric}.{field}": getattr(found, field) for field in fields}
    return part


def _against_usual(parts: Sequence[Mapping[str, Any]]) -> list[str | None]:
    keys = [canonical_json(part) for part in parts]
    if not keys:
        return []
    usual = parts[keys.index(Counter(keys).most_common(1)[0][0])]
    return [_difference(part, usual) for part in parts]


def _difference(part: Mapping[str, Any], usual: Mapping[str, Any]) -> str | None:
    for name in [*usual, *part]:
        ours, theirs = part.get(name, "absent"), usual.get(name, "absent")
        if canonical_json(ours) != canonical_json(theirs):
            return f"{name} ({ours}, not {theirs})"
    return None


def _follows(name: str) -> bool:
    return name.startswith(_FOLLOWS_BACKBONE)


def _flat(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    items = ((f"{path}.{key}" if path else str(key), item) for key, item in value.items())
    return {name: leaf for key, item in items for name, leaf in _flat(item, key).items()}
