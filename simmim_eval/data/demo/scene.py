"""Garments over photographs: single pictures, and scenes with several garments that hide each other.

Design C of three that were tried: real grey tones with a light tint, photographs at full contrast.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simmim_eval.data.demo.garments import CLASSES, KINDS, TILE, Garment, garment, num_garments
from simmim_eval.data.demo.photographs import background

__all__ = ["LABEL_MAP_CLASSES", "UNLABELLED", "Instance", "Placement", "Scene", "paint", "picture", "scene"]

UNLABELLED, BACKGROUND = 0, 1  # ADE20K's convention for a label map: 0 is ignored, classes count from 1
LABEL_MAP_CLASSES = ("background", *KINDS)
KIND_OF = {name: index for index, kind in enumerate(KINDS.values()) for name in kind}
MIN_VISIBLE = 40  # pixels; a garment that shows less is not annotated

_TINT = 0.12  # largest relative change of a colour channel
_ROTATION = math.radians(10)


@dataclass(frozen=True)
class Placement:
    """Where a garment lies in an image.

    Attributes:
        x: Centre in pixels from the left edge.
        y: Centre in pixels from the upper edge.
        zoom: Image pixels for one pixel of the garment's tile.
        angle: Clockwise, in radians.
        flip: Mirrored before it is turned.
    """

    x: float
    y: float
    zoom: float
    angle: float
    flip: bool


@dataclass(frozen=True)
class Instance:
    """A garment in a scene: the index of its kind in :data:`KINDS` and what is seen of it, bool (H, W)."""

    label: int
    visible: NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """Several garments over a photograph.

    Attributes:
        image: uint8 (H, W, 3).
        instances: Back to front; their visible parts are disjoint.
        labels: uint8 (H, W): :data:`UNLABELLED`, or 1 + index in :data:`LABEL_MAP_CLASSES`.
    """

    image: NDArray[np.uint8]
    instances: tuple[Instance, ...]
    labels: NDArray[np.uint8]


def paint(canvas: NDArray[np.float32], item: Garment, place: Placement, tone: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Lay a garment over an image and return where it lies, bool (H, W).

    Args:
        canvas: float32 (H, W, 3), 0 to 255; changed in place.
        item: The garment.
        place: Where, in the canvas.
        tone: float32 (256, 3); the colour, 0 to 255, that stands for each grey value of the garment.
    """
    height, width = canvas.shape[:2]
    cos, sin = (function(place.angle) / place.zoom for function in (math.cos, math.sin))
    mirror = -1.0 if place.flip else 1.0
    centre = item.grey.shape[0] / 2
    across = (mirror * cos, mirror * sin, centre - mirror * (cos * place.x + sin * place.y))
    down = (-sin, cos, centre + sin * place.x - cos * place.y)
    matrix = (*across, *down)  # from image to tile, as Pillow asks
    size, affine = (width, height), Image.Transform.AFFINE
    grey = Image.fromarray(item.grey).transform(size, affine, matrix, Image.Resampling.BICUBIC)
    alpha = np.asarray(Image.fromarray(item.alpha).transform(size, affine, matrix, Image.Resampling.BILINEAR))
    cover = alpha[..., None].astype(np.float32) / 255
    canvas += cover * (tone[np.asarray(grey)] - canvas)
    return alpha >= 128


def picture(rng: np.random.Generator, group: str, item: Garment, size: int) -> NDArray[np.uint8]:
    """One garment that fills most of an image over a photograph of the group: uint8 (size, size, 3)."""
    canvas = background(rng, group, size)
    paint(canvas, item, _place(rng, size, rng.uniform(0.75, 1.0) * size), _tone(rng))
    return _to_uint8(canvas)


def scene(rng: np.random.Generator, group: str, size: int) -> Scene:
    """Two to four garments of the group over one of its photographs."""
    canvas = background(rng, group, size)
    labels = np.full((size, size), BACKGROUND, np.uint8)
    owner = np.full((size, size), -1)
    classes = rng.integers(len(CLASSES), size=rng.integers(2, 5)).tolist()
    for number, label in enumerate(classes):
        item = garment(group, CLASSES[label], int(rng.integers(num_garments(group, CLASSES[label]))))
        owner[paint(canvas, item, _place(rng, size, rng.uniform(0.35, 0.6) * size), _tone(rng))] = number
    instances = []
    for number, garment_class in enumerate(classes):
        label, visible = KIND_OF[CLASSES[garment_class]], owner == number
        kept = int(visible.sum()) >= MIN_VISIBLE
        labels[visible] = BACKGROUND + 1 + label if kept else UNLABELLED
        if kept:
            instances.append(Instance(label, visible))
    return Scene(_to_uint8(canvas), tuple(instances), labels)


def _place(rng: np.random.Generator, size: int, side: float) -> Placement:
    """A random place where a tile of ``side`` pixels lies inside the image before it is turned."""
    x, y = rng.uniform(side / 2, size - side / 2, 2)
    return Placement(x, y, side / TILE, rng.uniform(-_ROTATION, _ROTATION), bool(rng.integers(2)))


def _tone(rng: np.random.Generator) -> NDArray[np.float32]:
    """The real grey tones with a light random tint, float32 (256, 3)."""
    tint = rng.uniform(1 - _TINT, 1 + _TINT, 3)
    return np.clip(np.arange(256)[:, None] * tint, 0, 255).astype(np.float32)


def _to_uint8(canvas: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
