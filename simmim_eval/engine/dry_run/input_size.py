"""How large the inputs of a recipe are, read off its pipelines; where they name no size, its ``resolution``.

An image that is resized with its proportions kept is taken to be a usual one of its data set: 4:3 in COCO and ADE20K.
Of several sizes that a training draws from the largest counts: that one decides whether the memory is enough.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, inf, prod
from typing import Any

from mmengine.config import Config

from simmim_eval.data.published import published_size
from simmim_eval.engine.recipe import class_name
from simmim_eval.errors import ConfigError

__all__ = ["InputSize", "test_sizes", "train_size"]

PICTURE = (480, 640)  # height and width, where the data set is not known
RESIZES = ("Resize", "RandomResize", "RandomChoiceResize")
CROPS = {"CenterCrop": 1, "RandomCrop": 1, "TenCrop": 10, "ThreeCrop": 3}
SQUARES = {"PretrainEvalTransform": "img_size", "PretrainTransform": "img_size", "TimmTransform": "size"}


@dataclass(frozen=True)
class InputSize:
    """One sample as the model gets it.

    Attributes:
        height: Pixels.
        width: Pixels.
        frames: Of a clip; None for images.
        views: Crops, clips or windows that make one sample.
        by_frame: Whether the frames of a video are images to the model, each a view.
        drawn: Whether training draws among sizes, of which this is the largest.
    """

    height: int
    width: int
    frames: int | None = None
    views: int = 1
    by_frame: bool = False
    drawn: bool = False

    def shape(self, batch: int) -> tuple[int, ...]:
        """Of the input of a whole model: ``(B, 3, H, W)``, ``(B, views, 3, T, H, W)`` or ``(B, views, 3, H, W)``."""
        if self.frames is None:
            return batch * self.views, 3, self.height, self.width
        if self.by_frame:
            return batch, self.views, 3, self.height, self.width
        return batch, self.views, 3, self.frames, self.height, self.width

    def __str__(self) -> str:
        clip = "" if self.frames is None or self.by_frame else f"{self.frames} × "
        views = "" if self.views == 1 else f", {self.views} views"
        return f"{clip}{self.height} × {self.width}{views}{', the largest drawn' if self.drawn else ''}"


def train_size(config: Config) -> InputSize:
    """Of one training sample.

    Raises:
        ConfigError: Neither the pipeline nor ``resolution`` says.
    """
    return _sizes(config, "train_dataloader")[0]


def test_sizes(config: Config) -> list[InputSize]:
    """Of one evaluated sample: all its views, those of one size together.

    Raises:
        ConfigError: As for :func:`train_size`.
    """
    sizes = _sizes(config, "test_dataloader")
    slide = config.model.get("test_cfg") or {}
    if slide.get("mode") == "slide":
        sizes = [_windows(size, slide["crop_size"], slide["stride"]) for size in sizes]
    counted = Counter(replace(size, views=1) for size in sizes for _ in range(size.views))
    return [replace(size, views=views) for size, views in counted.items()]


def _windows(size: InputSize, crop: Sequence[int], stride: Sequence[int]) -> InputSize:
    """The windows that mmseg slides over an image."""
    sides = zip((size.height, size.width), crop, stride, strict=True)
    number = prod(max(0, ceil((side - one) / step)) + 1 for side, one, step in sides)
    return replace(size, height=min(size.height, crop[0]), width=min(size.width, crop[1]), views=size.views * number)


def _sizes(config: Config, loader: str) -> list[InputSize]:
    """One for each variant of a pipeline that test-time augmentation has."""
    preprocessor = config.model.get("data_preprocessor") or config.get("data_preprocessor") or {}
    divisor, stated = preprocessor.get("pad_size_divisor", 1), _from_resolution(config.resolution)
    published = published_size(config.get("data", ""), tuple(config.get("data_parts") or ()))
    picture = InputSize(*(published.picture if published else PICTURE))
    sizes = [_walk(steps, picture, stated) for steps in _variants(_pipeline(config[loader].dataset))]
    return [
        replace(size, height=ceil(size.height / divisor) * divisor, width=ceil(size.width / divisor) * divisor)
        for size in sizes
    ]


def _walk(steps: list[Mapping[str, Any]], picture: InputSize, stated: InputSize) -> InputSize:
    """Follow one picture through a pipeline."""
    size, seen = picture, False
    clip_len, num_clips, crops, by_frame, drawn = stated.frames, 1, 1, False, False
    for step in steps:
        name = class_name(step)
        if name in RESIZES:
            size, several = _resized(size, step)
            seen, drawn = True, drawn or several
        elif name in SQUARES:
            side = _pair(step[SQUARES[name]])
            size, seen = InputSize(*side), True
        elif name in CROPS:
            crop = _pair(step["crop_size"])
            fixed = crop[0] <= size.height and crop[1] <= size.width
            size = InputSize(min(crop[0], size.height), min(crop[1], size.width))
            seen, crops, drawn = True, crops * CROPS[name], drawn and not fixed
        elif name == "Pad":
            square = (max(size.height, size.width),) * 2 if step.get("pad_to_square") else (0, 0)
            least = _pair(step.get("size") or square)
            size = InputSize(max(size.height, least[0]), max(size.width, least[1]))
        elif "clip_len" in step:
            clip_len, num_clips = step["clip_len"], step.get("num_clips", 1)
        by_frame = by_frame or (name == "FormatShape" and step.get("input_format") == "NCHW")
    if not seen:
        size = stated
    views = num_clips * crops * (clip_len or 1 if by_frame else 1)
    return InputSize(size.height, size.width, clip_len, views, by_frame, drawn)


def _resized(size: InputSize, step: Mapping[str, Any]) -> tuple[InputSize, bool]:
    """What a resizing makes of a picture, at the largest of its scales, and whether it has several."""
    stated: Any = step.get("scales") or step.get("scale")
    several = "scales" in step or (isinstance(stated, list | tuple) and isinstance(stated[0], list | tuple))
    ratio = max(step.get("ratio_range") or (1.0,))
    if stated is None:
        stated, ratio = (size.width, size.height), float(step.get("scale_factor") or 1.0)
    sizes = [_fitted(size, scale, ratio, step) for scale in (stated if several else [stated])]
    height, width = max(sizes, key=prod)
    return InputSize(height, width), len(sizes) > 1 or "ratio_range" in step


def _fitted(size: InputSize, scale: Any, ratio: float, step: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width at one scale: (width, height), or bounds of both sides, or the shorter side alone."""
    pair = (scale, -1) if isinstance(scale, int) else scale
    width, height = (side * ratio if side > 0 else inf for side in pair)
    if step.get("keep_ratio") or inf in (width, height):
        longer, shorter = max(width, height), min(width, height)
        factor = min(longer / max(size.height, size.width), shorter / min(size.height, size.width))
        height, width = size.height * factor, size.width * factor
    return int(height + 0.5), int(width + 0.5)


def _pipeline(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The transforms of a data set, or of the first that it wraps."""
    while "pipeline" not in dataset:
        wrapped = dataset.get("datasets") or [dataset.get("dataset")]
        if wrapped[0] is None:
            return []
        dataset = wrapped[0]
    return list(dataset["pipeline"])


def _variants(pipeline: Iterable[Any]) -> list[list[Mapping[str, Any]]]:
    """The transforms one after another: for each choice of test-time augmentation; of random alternatives the first."""
    variants: list[list[Mapping[str, Any]]] = [[]]
    for step in pipeline:
        inner = step.get("transforms")
        if not inner:
            more = [[step]]
        elif class_name(step) == "TestTimeAug":
            more = [list(choice) for choice in product(*inner)]
        else:
            more = _variants(inner[0] if isinstance(inner[0], list | tuple) else inner)
        variants = [[*before, *after] for before in variants for after in more]
    return variants


def _from_resolution(resolution: Any) -> InputSize:
    numbers = list(resolution) if isinstance(resolution, list | tuple) else [resolution]
    if not numbers or len(numbers) > 3 or any(type(number) is not int or number < 1 for number in numbers):
        raise ConfigError(
            f"resolution is {resolution!r}; expected a number of pixels, (shorter, longer) or (frames, height, width)."
        )
    if len(numbers) == 3:
        return InputSize(numbers[1], numbers[2], numbers[0])
    return InputSize(numbers[0], numbers[-1])


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
