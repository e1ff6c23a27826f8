"""ADE20K (ADEChallengeData2016), and any set of images beside label maps, above all whether the labels are shifted.

The official maps hold 0 (no class) and 1 to 150, numbered by how many pixels they have: wall first, then building and
sky. Two ways of writing them again go wrong in silence, as every value still means some class:

* -1, as ``reduce_zero_label`` does in memory: 0 is then the wall and the most frequent value, no class is 255 and
  150 is gone. Trained with ``reduce_zero_label=True`` the wall is ignored and all else is off by one.
* +1: 0 is gone and there is 151.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from simmim_eval.data.check.images import examine_images
from simmim_eval.data.check.session import Session
from simmim_eval.data.image import IMAGE_SUFFIXES
from simmim_eval.data.label_map import IGNORED
from simmim_eval.errors import DataError

__all__ = ["check_ade20k", "shift_of"]

# http://sceneparsing.csail.mit.edu/: images of the release that the challenge, mmseg and the papers use.
OFFICIAL = {"training": 20_210, "validation": 2_000}
CLASSES = 150
NAME = "ADE_"
SAMPLE = 200  # label maps that a quick check reads in each split
MANY = 100  # label maps whose most frequent value says something
Sizes = dict[str, tuple[int, int]]


def check_ade20k(session: Session) -> None:
    """Check ``images/SPLIT/NAME.jpg`` with ``annotations/SPLIT/NAME.png``; own sets may have any splits.

    Raises:
        DataError: The root lacks one of the two folders.
    """
    images, maps = session.root / "images", session.root / "annotations"
    for folder in (images, maps):
        if not folder.is_dir():
            inner = session.root / "ADEChallengeData2016"
            hint = f" Give {inner}." if inner.is_dir() else ""
            raise DataError(f"{folder}: no such folder. Expected images/<split> beside annotations/<split>.{hint}")
    splits = sorted(path.name for path in images.iterdir() if path.is_dir() and not path.name.startswith(".")) or [""]
    pairs = {split: _pairs(session, images / split, maps / split) for split in splits}
    is_ade = any(path.rpartition("/")[2].startswith(NAME) for found in pairs.values() for path in found)
    for split in OFFICIAL if is_ade else ():
        session.decide(len(pairs.get(split, ())), OFFICIAL[split])
    for split in OFFICIAL if session.official else ():
        if split not in pairs:
            session.add("missing", images / split, "the split is absent")
    for split, found in pairs.items():
        label = split or "all"
        session.count(f"{label} images", len(found), OFFICIAL.get(split))
        session.count(f"{label} label maps", sum(path is not None for path in found.values()), OFFICIAL.get(split))
        sizes = _check_maps(session, label, [path for path in found.values() if path], is_ade)
        if session.full:
            _check_images(session, label, found, sizes)


def _pairs(session: Session, images: Path, maps: Path) -> dict[str, str | None]:
    """Each image with its label map, None where there is none."""
    pictures = [path for path in session.walk(images) if path.lower().endswith(IMAGE_SUFFIXES)]
    labels = {
        _stem(path, maps): path for path in (session.walk(maps) if maps.is_dir() else ()) if path.endswith(".png")
    }
    pairs = {path: labels.pop(_stem(path, images), None) for path in pictures}
    for path, label_map in pairs.items():
        if label_map is None:
            session.add("no-map", path)
    for label_map in labels.values():
        session.add("no-image", label_map)
    return pairs


def _stem(path: str, folder: Path) -> str:
    return Path(path).relative_to(folder).with_suffix("").as_posix()


def _check_maps(session: Session, split: str, maps: list[str], is_ade: bool) -> Sizes:
    """Read label maps, all or evenly spaced ones, and judge their values; returns their sizes."""
    chosen = maps if session.full else maps[:: max(1, -(-len(maps) // SAMPLE))]
    values: Counter[int] = Counter()
    sizes, ranges = {}, {}
    for path, result in session.examine(f"{split} label maps", "label map", chosen):
        if result.facts:
            found = {int(value): pixels for value, pixels in result.facts["values"].items()}
            values.update(found)
            sizes[path] = (result.facts["size"][0], result.facts["size"][1])
            ranges[path] = max((value for value in found if value != IGNORED), default=0)
    session.facts[f"labels of {split} ({len(chosen)} of {len(maps)} maps)"] = {
        str(value): pixels for value, pixels in sorted(values.items())
    }
    if not is_ade or not values:
        return sizes
    shift, why = shift_of(values, CLASSES, len(sizes))
    if shift:
        session.add("shifted-down" if shift < 0 else "shifted-up", split, why)
    elif 0 not in values:
        session.add("no-zero", split, f"values {min(values)} to {max(values)}")
    elif IGNORED in values:
        session.add("ignored-label", split, f"{values[IGNORED]:,} pixels are {IGNORED}")
    for path, highest in ranges.items():
        if highest > CLASSES + max(shift, 0):
            session.add("label-range", path, f"holds {highest}; allowed are 0 to {CLASSES}, and {IGNORED} = ignored")
    return sizes


def shift_of(values: Mapping[int, int], num_classes: int, num_maps: int = 0) -> tuple[int, str]:
    """By how much all labels are off, from the pixels of each value, and what shows it; 0 and nothing if not.

    Args:
        values: Value to number of pixels; classes are meant to be 1 to ``num_classes``, 0 is no class.
        num_classes: How many classes there are.
        num_maps: How many maps were read; of many, what is frequent counts as well.
    """
    classes = {value: pixels for value, pixels in values.items() if value != IGNORED}
    if not classes:
        return 0, ""
    top, most = max(classes), max(classes, key=lambda value: classes[value])
    if 0 not in classes and top == num_classes + 1:
        return 1, f"no pixel is 0, the highest value is {top} where {num_classes} is the last class"
    if 0 in classes and top < num_classes and (IGNORED in values or (most == 0 and num_maps >= MANY)):
        share = 100 * classes[0] / sum(values.values())
        more = ", more than any other: the wall" if most == 0 else ""
        return -1, (
            f"{f'{IGNORED} occurs, ' if IGNORED in values else ''}{num_classes} does not (highest: {top}), 0 has "
            f"{share:.0f} % of the pixels{more}"
        )
    return 0, ""


def _check_images(session: Session, split: str, pairs: Mapping[str, str | None], sizes: Sizes) -> None:
    for path, result in examine_images(session, f"{split} images", pairs):
        label_map = pairs[path]
        if label_map in sizes and result.facts and sizes[label_map] != tuple(result.facts["size"]):
            width, height = result.facts["size"]
            size = sizes[label_map]
            session.add("map-size", label_map, f"{size[0]} x {size[1]} (width x height), its image {width} x {height}")
