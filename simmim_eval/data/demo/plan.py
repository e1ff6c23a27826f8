"""What the demo consists of: its parts and splits, how many items each has, and from which group they are made."""

from dataclasses import dataclass

from simmim_eval.data.demo.garments import BASE_CLASSES, TRANSFER_CLASSES
from simmim_eval.data.demo.motion import MOTIONS

__all__ = ["PARTS", "PICTURE_SIZE", "SCENE_SIZE", "SPLITS", "VIDEO_SIZE", "Split", "count"]

PICTURE_SIZE = 56  # pixels, side
SCENE_SIZE = 128
VIDEO_SIZE = 48

PARTS = ("imagenet_base", "imagenet", "coco", "ade", "kinetics")


@dataclass(frozen=True)
class Split:
    """One split of one part.

    Attributes:
        part: One of :data:`PARTS`, and the name of its folder.
        name: As the benchmark itself calls the split.
        group: Group of the garments and photographs it is made from.
        classes: Classes between which items alternate; empty where an item may hold all of them.
        per_class: Items of each class (all items, where ``classes`` is empty) at scale 1.
        minimum: The least that scaling leaves of ``per_class``.
    """

    part: str
    name: str
    group: str
    classes: tuple[str, ...]
    per_class: int
    minimum: int


SPLITS = (
    Split("imagenet_base", "train", "training", BASE_CLASSES, 800, 4),
    Split("imagenet_base", "val", "tuning", BASE_CLASSES, 60, 2),
    Split("imagenet", "train", "training", TRANSFER_CLASSES, 50, 4),
    Split("imagenet", "tune", "tuning", TRANSFER_CLASSES, 60, 2),
    Split("imagenet", "val", "reported", TRANSFER_CLASSES, 140, 2),
    Split("coco", "train2017", "training", (), 300, 8),
    Split("coco", "tune2017", "tuning", (), 60, 4),
    Split("coco", "val2017", "reported", (), 100, 4),
    Split("ade", "training", "training", (), 300, 8),
    Split("ade", "tuning", "tuning", (), 60, 4),
    Split("ade", "validation", "reported", (), 100, 4),
    Split("kinetics", "train", "training", MOTIONS, 200, 2),
    Split("kinetics", "tune", "tuning", MOTIONS, 25, 1),
    Split("kinetics", "val", "reported", MOTIONS, 50, 1),
)


def count(split: Split, scale: float) -> int:
    """Number of items of a split at a scale in (0, 1]."""
    return max(split.minimum, round(split.per_class * scale)) * max(1, len(split.classes))
