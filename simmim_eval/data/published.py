"""How large published data sets are, for planning where they are not at hand."""

from dataclasses import dataclass

from simmim_eval.data.demo.plan import SCENE_SIZE, SPLITS, count

__all__ = ["DEMO", "PublishedSize", "published_size"]

DEMO = "demo"


@dataclass(frozen=True)
class PublishedSize:
    """Of one data set.

    Attributes:
        title: What a person calls it.
        train: Items to train on.
        val: Items of the reported split.
        items: What they are.
        gigabytes: On disk, roughly, as a recipe reads it; without archives.
        exact: Whether the counts are exact. Videos vanish from where they were published.
        labelled: Of ``train``, those with at least one object; None where that is no question.
        picture: Height and width of a usual image or frame; of the published ones most are 4:3.
    """

    title: str
    train: int
    val: int
    items: str
    gigabytes: float
    exact: bool = True
    labelled: int | None = None
    picture: tuple[int, int] = (480, 640)


SIZES = {
    "in1k": PublishedSize("ImageNet-1K", 1_281_167, 50_000, "images", 145),
    "coco": PublishedSize("COCO 2017", 118_287, 5_000, "images", 20, labelled=117_266),
    "ade20k": PublishedSize("ADE20K (ADEChallengeData2016)", 20_210, 2_000, "images", 1),
    "k400": PublishedSize("Kinetics-400", 240_000, 20_000, "videos", 135, exact=False),
}
"""By a recipe's ``data``. The disk of Kinetics is that of videos whose shorter side is at most 340 pixels."""


def published_size(data: str, parts: tuple[str, ...]) -> PublishedSize | None:
    """Of a recipe's ``data``, of which it reads ``parts``; None for a data set that is not known here."""
    if data != DEMO:
        return SIZES.get(data)
    splits = [split for split in SPLITS if split.part in parts]
    train, val = (
        sum(count(split, 1.0) for split in splits if split.name.startswith(names)) for names in (("train",), ("val",))
    )
    square = (SCENE_SIZE, SCENE_SIZE)
    return PublishedSize("the demo at scale 1", train, val, "items", 0.02, picture=square) if splits else None
