"""COCO's instances JSON, checked as a whole before anything is trained on it.

Format: https://cocodataset.org/#format-data, object detection. mmdet skips an annotation of an unknown category in
silence; here it is an error.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simmim_eval.data.layout import require_file
from simmim_eval.errors import DataError, nearest

__all__ = [
    "REFERENCES",
    "box_faults",
    "lost_rows",
    "read_instances",
    "row_faults",
    "select_classes",
    "unchecked_instances",
]

_FIELDS = {
    "images": ("id", "file_name", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area"),
}
REFERENCES = (("category_id", "categories"), ("image_id", "images"))


def read_instances(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check an annotation file; category ids may have gaps, as COCO's own 80 of 90.

    Raises:
        DataError: Absent, not JSON, a list or field missing, an id twice, an annotation of an image or category that
            does not exist, or a box that is not four numbers. The message names the file and the annotation.
    """
    content = unchecked_instances(path)
    for fault in row_faults(content, path):
        raise fault
    _check_references(content, path)
    for fault in box_faults(content, path):
        raise fault
    return content


def unchecked_instances(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON object of an annotation file with its lists, whatever stands in them.

    Raises:
        DataError: Absent, not JSON, or one of the lists is missing or empty.
    """
    path = require_file(path, "a COCO instances file, such as data_root/annotations/instances_train2017.json")
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: is not JSON ({error}). Write or download the file again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__}, not an object with {', '.join(_FIELDS)}.")
    for kind in _FIELDS:
        rows = content.get(kind)
        if not isinstance(rows, list):
            fault = f"must be a list, is {type(rows).__name__}" if kind in content else "is missing"
            raise DataError(f"{path}: {kind!r} {fault}. Expected the COCO lists {', '.join(_FIELDS)}.")
        if not rows and kind != "annotations":
            raise DataError(f"{path}: {kind!r} is empty. Write the file with at least one.")
    return content


def select_classes(content: Mapping[str, Any], wanted: Iterable[str] | None, path: str) -> tuple[str, ...]:
    """Names of the classes to use, in the order of the file, which is the order of mmdet's labels and metric.

    Args:
        content: What :func:`read_instances` gave.
        wanted: Names to keep; None keeps all.
        path: The annotation file, for the message.
    """
    names = [category["name"] for category in content["categories"]]
    if wanted is None:
        return tuple(names)
    wanted = set(wanted)
    for name in sorted(wanted.difference(names)):
        raise DataError(f"{path}: has no category {name!r}; {nearest(name, names)} Correct metainfo.classes.")
    return tuple(name for name in names if name in wanted)


def row_faults(content: Mapping[str, Any], path: str | os.PathLike[str]) -> Iterator[DataError]:
    """Entries without a field, and ids that are no whole number or stand twice."""
    for kind, fields in _FIELDS.items():
        seen: set[int] = set()
        for place, row in enumerate(content[kind]):
            if not isinstance(row, dict):
                yield DataError(f"{path}: {kind}[{place}] is not an object with {', '.join(fields)}.", kind="field")
                continue
            name = f"{kind}[{place}] (id {row['id']})" if "id" in row else f"{kind}[{place}]"
            missing = [field for field in fields if field not in row]
            if missing:
                expected = ", ".join(fields)
                yield DataError(f"{path}: {name} has no {missing[0]!r}. Expected {expected}.", kind="field")
            elif not isinstance(row["id"], int):
                yield DataError(f"{path}: {name}: the id must be a whole number.", kind="field")
            elif row["id"] in seen:
                yield DataError(
                    f"{path}: {name}: the id stands twice. Give each of {kind!r} its own id.", kind="duplicate-id"
                )
            else:
                seen.add(row["id"])


def lost_rows(content: Mapping[str, Any], field: str, kind: str) -> list[dict[str, Any]]:
    """Annotations whose ``field`` is the id of nothing in the list ``kind``."""
    known = {row["id"] for row in content[kind]}
    return [row for row in content["annotations"] if row[field] not in known]


def box_faults(content: Mapping[str, Any], path: str | os.PathLike[str]) -> Iterator[DataError]:
    """Annotations whose box is not four finite numbers."""
    for row in content["annotations"]:
        box = row["bbox"]
        if not isinstance(box, list) or len(box) != 4 or not all(_is_finite(side) for side in box):
            yield DataError(
                f"{path}: annotation {row['id']} has bbox {box!r}; expected [x, y, width, height].", kind="box"
            )


def _is_finite(side: object) -> bool:
    return isinstance(side, int | float) and math.isfinite(side)


def _check_references(content: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    for field, kind in REFERENCES:
        lost = lost_rows(content, field, kind)
        if lost:
            known = {row["id"] for row in content[kind]}
            more = f" ({len(lost)} annotations have this fault)" if len(lost) > 1 else ""
            raise DataError(
                f"{path}: annotation {lost[0]['id']} has {field} {lost[0][field]!r}, which is not among the "
                f"{len(known)} {kind} (ids {min(known)} to {max(known)}){more}. "
                f"Correct the annotation, or add the entry to {kind!r}.",
                kind="reference",
            )
