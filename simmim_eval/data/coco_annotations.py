"""COCO's instances JSON, checked as a whole before anything is trained on it.

Format: https://cocodataset.org/#format-data, object detection. mmdet skips an annotation of an unknown category in
silence; here it is an error.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from simmim_eval.data.layout import require_file
from simmim_eval.errors import DataError, nearest

__all__ = ["read_instances", "select_classes"]

_FIELDS = {
    "images": ("id", "file_name", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area"),
}


def read_instances(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check an annotation file; category ids may have gaps, as COCO's own 80 of 90.

    Raises:
        DataError: Absent, not JSON, a list or field missing, an id twice, an annotation of an image or category that
            does not exist, or a box that is not four numbers. The message names the file and the annotation.
    """
    path = require_file(path, "a COCO instances file, such as data_root/annotations/instances_train2017.json")
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: is not JSON ({error}). Write or download the file again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__}, not an object with {', '.join(_FIELDS)}.")
    for kind, fields in _FIELDS.items():
        _check_rows(content, kind, fields, path)
    _check_references(content, path)
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


def _check_rows(content: dict[str, Any], kind: str, fields: tuple[str, ...], path: os.PathLike[str]) -> None:
    rows = content.get(kind)
    if not isinstance(rows, list):
        fault = f"must be a list, is {type(rows).__name__}" if kind in content else "is missing"
        raise DataError(f"{path}: {kind!r} {fault}. Expected the COCO lists {', '.join(_FIELDS)}.")
    if not rows and kind != "annotations":
        raise DataError(f"{path}: {kind!r} is empty. Write the file with at least one.")
    seen = set()
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"{path}: {kind}[{place}] is not an object with {', '.join(fields)}.")
        name = f"{kind}[{place}] (id {row['id']})" if "id" in row else f"{kind}[{place}]"
        for field in fields:
            if field not in row:
                raise DataError(f"{path}: {name} has no {field!r}. Expected {', '.join(fields)}.")
        if not isinstance(row["id"], int):
            raise DataError(f"{path}: {name}: the id must be a whole number.")
        if row["id"] in seen:
            raise DataError(f"{path}: {name}: the id stands twice. Give each of {kind!r} its own id.")
        seen.add(row["id"])


def _check_references(content: dict[str, Any], path: os.PathLike[str]) -> None:
    for field, kind in (("category_id", "categories"), ("image_id", "images")):
        known = {row["id"] for row in content[kind]}
        lost = [row for row in content["annotations"] if row[field] not in known]
        if lost:
            more = f" ({len(lost)} annotations have this fault)" if len(lost) > 1 else ""
            raise DataError(
                f"{path}: annotation {lost[0]['id']} has {field} {lost[0][field]!r}, which is not among the "
                f"{len(known)} {kind} (ids {min(known)} to {max(known)}){more}. "
                f"Correct the annotation, or add the entry to {kind!r}."
            )
    for row in content["annotations"]:
        box = row["bbox"]
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(side, int | float) for side in box):
            raise DataError(f"{path}: annotation {row['id']} has bbox {box!r}; expected [x, y, width, height].")
