"""ImageNet-1K, and any set of class folders."""

import re
from pathlib import Path

from simmim_eval.data.check.images import examine_images
from simmim_eval.data.check.session import Session
from simmim_eval.data.imagenet import ClassFolder, class_faults, class_folders
from simmim_eval.errors import DataError

__all__ = ["check_imagenet"]

# https://www.image-net.org/challenges/LSVRC/2012/: 1000 classes, 732 to 1300 training images each, 50 to validate.
CLASSES = 1000
IMAGES = {"train": 1_281_167, "val": 50_000}
PER_CLASS = {"train": (732, 1300), "val": (50, 50)}
WORDNET_ID = re.compile(r"n\d{8}")


def check_imagenet(session: Session) -> None:
    """Check ``root/split/<class folder>/<images>``; every folder of the root that has sub-folders is a split.

    The reader copes with what is odd in the official images: one PNG named .JPEG, 22 CMYK files, broken EXIF blocks.

    Raises:
        DataError: The root has no split.
    """
    splits = _splits(session.root)
    files = {split: session.walk(session.root / split) for split in splits}
    classes = {split: _classes(session, session.root / split) for split in splits}
    named = {found.name for folders in classes.values() for found in folders}
    if named and all(map(WORDNET_ID.fullmatch, named)):
        for split in set(IMAGES) & set(splits):
            session.decide(_images(classes[split]), IMAGES[split])
    for split in IMAGES if session.official else ():
        if split not in splits:
            session.add("missing", session.root / split, "the split is absent")
    for split, folders in classes.items():
        _count(session, split, folders)
        listed = {str(session.root / split / found.name / name) for found in folders for name in found.images}
        if session.full:
            for _ in examine_images(session, f"{split} images", [path for path in files[split] if path in listed]):
                pass
    _compare(session, classes)


def _splits(root: Path) -> list[str]:
    splits = [path.name for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    if not splits:
        raise DataError(f"{root}: holds no split. Expected train/<class folder>/<images> and val/ likewise.")
    if all(map(WORDNET_ID.fullmatch, splits)):
        raise DataError(f"{root}: holds class folders, so it is a split itself. Give the folder above: {root.parent}")
    return splits


def _classes(session: Session, folder: Path) -> list[ClassFolder]:
    try:
        found = class_folders(folder)
    except DataError as error:
        session.add_fault(error)
        return []
    found = [one for one in found if folder / one.name not in session.endless]
    if not found:
        session.add("no-class", folder)
    for one in found:
        stray = tuple(name for name in one.others if folder / one.name / name not in session.endless)
        for fault in class_faults(folder, one._replace(others=stray)):
            session.add_fault(fault)
    return found


def _images(folders: list[ClassFolder]) -> int:
    return sum(len(found.images) for found in folders)


def _count(session: Session, split: str, folders: list[ClassFolder]) -> None:
    known = split in IMAGES
    session.count(f"{split} classes", len(folders), CLASSES if known else None)
    session.count(f"{split} images", _images(folders), IMAGES.get(split))
    if session.official and known:
        least, most = PER_CLASS[split]
        for found in folders:
            if found.images and not least <= len(found.images) <= most:
                expected = f"{least}" if least == most else f"{least} to {most}"
                session.add("class-count", session.root / split / found.name, f"{len(found.images)}, not {expected}")


def _compare(session: Session, classes: dict[str, list[ClassFolder]]) -> None:
    """Labels number the sorted folders of a split, so all splits must have the same."""
    named = {split: {found.name for found in folders} for split, folders in classes.items() if folders}
    everywhere: set[str] = set.union(*named.values()) if named else set()
    for split, names in named.items():
        for name in sorted(everywhere - names):
            others = ", ".join(other for other in named if name in named[other])
            session.add("classes-differ", session.root / split / name, f"the class is in {others} only")
