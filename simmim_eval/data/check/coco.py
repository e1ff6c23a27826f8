"""COCO 2017, and any set of instances JSON files with their images."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simmim_eval.data.check.images import examine_images
from simmim_eval.data.check.session import Session
from simmim_eval.data.coco_annotations import REFERENCES, box_faults, lost_rows, row_faults, unchecked_instances
from simmim_eval.data.image import IMAGE_SUFFIXES, size_fault
from simmim_eval.data.layout import absent_files
from simmim_eval.errors import DataError

__all__ = ["check_coco"]

# Images and annotations of the 2017 split: https://cocodataset.org/#download, and the two files themselves.
OFFICIAL = {"train2017": (118_287, 860_001), "val2017": (5_000, 36_781)}
CATEGORIES = 80
PREFIX = "instances_"
MARGIN = 1.0  # pixels that a box may leave its image by rounding
MOST = 0.5  # share of boxes outside their images above which the numbers must be corners


def check_coco(session: Session) -> None:
    """Check ``annotations/instances_NAME.json`` with the images in ``NAME/``; own sets may have any names.

    Raises:
        DataError: The root has no annotation file.
    """
    files = _annotation_files(session.root)
    contents = {name: _read(session, path) for name, path in files.items()}
    for name, (published, _) in OFFICIAL.items():
        if content := contents.get(name):
            session.decide(len(content["images"]), published)
    for name in OFFICIAL if session.official else ():
        if name not in files:
            session.add("missing", session.root / "annotations" / f"{PREFIX}{name}.json")
    walked: dict[Path, list[str]] = {}
    for name, content in contents.items():
        if content is None:
            continue
        images, annotations = OFFICIAL.get(name, (None, None))
        session.count(f"{name} images", len(content["images"]), images)
        session.count(f"{name} annotations", len(content["annotations"]), annotations)
        session.count(f"{name} categories", len(content["categories"]), CATEGORIES if images else None)
        folder = _image_folder(session.root, name)
        if folder not in walked:
            walked[folder] = session.walk(folder) if folder.is_dir() else []
        if _entries_hold(session, files[name], content):
            _check_boxes(session, files[name], content)
            _check_images(session, name, folder, content, walked[folder])


def _annotation_files(root: Path) -> dict[str, Path]:
    """Name of each set to its file: ``instances_NAME.json``, or any JSON where no file is named so."""
    folder = root / "annotations" if (root / "annotations").is_dir() else root
    found = sorted(folder.glob("*.json"))
    named = [path for path in found if path.name.startswith(PREFIX)]
    if not found:
        raise DataError(
            f"{folder}: holds no JSON file. Expected annotations/{PREFIX}NAME.json, with the images in NAME/."
        )
    return {path.stem.removeprefix(PREFIX): path for path in named or found}


def _image_folder(root: Path, name: str) -> Path:
    choices = (root / name, root / "images" / name, root / "images")
    return next((folder for folder in choices if folder.is_dir()), root / name)


def _read(session: Session, path: Path) -> dict[str, Any] | None:
    try:
        return unchecked_instances(path)
    except DataError as error:
        session.add("annotations", path, str(error))
        return None


def _entries_hold(session: Session, path: Path, content: Mapping[str, Any]) -> bool:
    """Note faults of entries; whether the entries can be used for more."""
    usable = True
    for fault in row_faults(content, path):
        usable &= fault.kind == "duplicate-id"
        session.add_fault(fault, path)
    if not usable:
        return False
    for field, kind in REFERENCES:
        for row in lost_rows(content, field, kind):
            session.add("reference", path, f"annotation {row['id']} has {field} {row[field]!r}")
    for fault in box_faults(content, path):
        usable = False
        session.add_fault(fault, path)
    return usable


def _check_boxes(session: Session, path: Path, content: Mapping[str, Any]) -> None:
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    names = {image["id"]: image["file_name"] for image in content["images"]}
    used: Counter[int] = Counter()
    crowds: dict[int, bool] = {}
    outside: list[str] = []
    for row in content["annotations"]:
        x, y, w, h = row["bbox"]
        used[row["category_id"]] += 1
        crowds[row["image_id"]] = crowds.get(row["image_id"], True) and bool(row.get("iscrowd", 0))
        if w < 1 or h < 1 or row["area"] <= 0:  # what mmdet leaves out
            session.add("degenerate-box", path, f"annotation {row['id']}: bbox {row['bbox']}, area {row['area']}")
        width, height = sizes.get(row["image_id"], (float("inf"), float("inf")))
        if min(x, y) < -MARGIN or x + w > width + MARGIN or y + h > height + MARGIN:
            outside.append(
                f"annotation {row['id']}: bbox {row['bbox']} in an image of {width} x {height} (width x height)"
            )
    if len(outside) > MOST * len(content["annotations"]):
        session.add("corner-boxes", path, f"{len(outside)} of {len(content['annotations'])}; {outside[0]}")
    else:
        for detail in outside:
            session.add("outside-box", path, detail)
    for image, only_crowds in crowds.items():
        if only_crowds:
            session.add("crowd-only", names.get(image, str(image)), f"image {image} of {path.name}")
    for category in content["categories"]:
        if not used[category["id"]]:
            session.add("absent-class", path, f"{category['name']!r} (id {category['id']})")
    session.count(f"{path.stem.removeprefix(PREFIX)} images with boxes", len(crowds))


def _check_images(session: Session, name: str, folder: Path, content: Mapping[str, Any], files: list[str]) -> None:
    listed: dict[str, Mapping[str, Any]] = {}
    for image in content["images"]:
        path = str(folder / str(image["file_name"]))
        if path in listed:
            session.add("duplicate-file", path, f"images {listed[path]['id']} and {image['id']} of {name}")
        listed[path] = image
    for path in absent_files(listed):
        session.add("missing", path)
    shared = folder.name != name  # a folder of several sets holds more than one of them lists
    for path in [] if shared else set(files).difference(listed):
        if path.lower().endswith(IMAGE_SUFFIXES):
            session.add("unused", path)
    if not session.full:
        return
    for path, result in examine_images(session, f"{name} images", listed):
        if size := result.facts.get("size"):
            stated = (listed[path]["height"], listed[path]["width"])
            if stated != (size[1], size[0]):
                session.add_fault(size_fault(path, (size[1], size[0]), stated, turned=result.facts["exchanged"]), path)
