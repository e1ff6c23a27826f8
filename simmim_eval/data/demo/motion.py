"""Eight motions of a garment, told apart only by their order in time.

The object moves by about a patch a frame and halts between the two middle frames, so a path runs through the steps
-3 -2 -1 0 0 1 2 3 on either side of a *middle* pose. Pose, photograph, garment and tone are drawn before the motion
is looked at, whence two properties that hold exactly:

* frames 3 and 4 are the same picture in all eight classes, so neither says anything about the class;
* a clip played backwards is a clip of the opposite class.

The first and the last frames of a translation cannot be freed of information: an object that crosses half of the
image and stays inside it must start on one side. Every frame is coded by itself, since traces of the preceding frame
in a predicted one would betray the motion.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simmim_eval.data.demo.garments import CLASSES, Garment, garment, num_garments
from simmim_eval.data.demo.photographs import background
from simmim_eval.data.demo.scene import Placement, paint

__all__ = ["MIDDLE_FRAME", "MOTIONS", "NUM_FRAMES", "OPPOSITE", "Pose", "clip", "path"]

MOTIONS = ("left", "right", "up", "down", "grow", "shrink", "clockwise", "counter-clockwise")
OPPOSITE = {
    "left": "right",
    "right": "left",
    "up": "down",
    "down": "up",
    "grow": "shrink",
    "shrink": "grow",
    "clockwise": "counter-clockwise",
    "counter-clockwise": "clockwise",
}
NUM_FRAMES = 8
MIDDLE_FRAME = NUM_FRAMES // 2

_STEPS = (-3, -2, -1, 0, 0, 1, 2, 3)
# Large enough to be learnt by a nano network in a few hundred steps (tried on the tuning split), small enough for the
# whole path to stay inside.
_SHIFT = 4 / 48  # of the image's side, a step: a patch
_GROWTH = 1.12  # a step
_TURN = 0.35  # radians, a step
_SPAN = (18 / 48, 22 / 48)  # diameter of the object in the middle, of the image's side
_DIMMED = 0.3
_SUPERSAMPLING = 2  # garments are shown smaller than they are

# change a step of x, y (of the image's side), of the logarithm of the size, and of the angle
_RATES = {
    "left": (-_SHIFT, 0.0, 0.0, 0.0),
    "right": (_SHIFT, 0.0, 0.0, 0.0),
    "up": (0.0, -_SHIFT, 0.0, 0.0),
    "down": (0.0, _SHIFT, 0.0, 0.0),
    "grow": (0.0, 0.0, math.log(_GROWTH), 0.0),
    "shrink": (0.0, 0.0, -math.log(_GROWTH), 0.0),
    "clockwise": (0.0, 0.0, 0.0, _TURN),
    "counter-clockwise": (0.0, 0.0, 0.0, -_TURN),
}


@dataclass(frozen=True)
class Pose:
    """Centre and diameter of the circle round an object, in parts of the image's side, and its clockwise angle."""

    x: float
    y: float
    diameter: float
    angle: float


def path(rng: np.random.Generator, motion: str) -> tuple[Pose, ...]:
    """The pose in each of :data:`NUM_FRAMES` frames; the same draws for every motion, all inside the image."""
    smallest, largest = _SPAN
    diameter = smallest * (largest / smallest) ** rng.uniform()
    reach = max(_STEPS) * _SHIFT + diameter / 2
    x, y = rng.uniform(reach, 1 - reach, 2)
    angle = rng.uniform(0, 2 * math.pi)
    dx, dy, growth, turn = _RATES[motion]
    return tuple(
        Pose(x + step * dx, y + step * dy, diameter * math.exp(step * growth), angle + step * turn) for step in _STEPS
    )


def clip(rng: np.random.Generator, group: str, motion: str, size: int) -> NDArray[np.uint8]:
    """A bright garment that moves over a still, dimmed photograph of the group: uint8 (8, size, size, 3)."""
    poses = path(rng, motion)
    name = CLASSES[rng.integers(len(CLASSES))]
    item = garment(group, name, int(rng.integers(num_garments(group, name))))
    still = background(rng, group, size) * np.float32(_DIMMED)
    tone, flip = _bright(rng, item), bool(rng.integers(2))
    return np.stack([_frame(still, item, pose, tone, flip) for pose in poses])


def _frame(
    still: NDArray[np.float32], item: Garment, pose: Pose, tone: NDArray[np.float32], flip: bool
) -> NDArray[np.uint8]:
    size = still.shape[0]
    canvas = np.repeat(np.repeat(still, _SUPERSAMPLING, 0), _SUPERSAMPLING, 1)
    centre, radius = _circle(item)
    scale = size * _SUPERSAMPLING
    zoom = pose.diameter * scale / (2 * radius)
    # the circle's centre, not the tile's, follows the path
    across, down = ((centre - item.grey.shape[0] / 2) * zoom).tolist()
    across = -across if flip else across
    cos, sin = math.cos(pose.angle), math.sin(pose.angle)
    x = pose.x * scale - (cos * across - sin * down)
    y = pose.y * scale - (sin * across + cos * down)
    paint(canvas, item, Placement(x, y, zoom, pose.angle, flip), tone)
    small = Image.fromarray(np.clip(np.rint(canvas), 0, 255).astype(np.uint8)).reduce(_SUPERSAMPLING)
    return np.asarray(small)


def _circle(item: Garment) -> tuple[NDArray[np.float64], float]:
    """Centre (x, y) and radius, in tile pixels, of a circle that holds the garment."""
    rows, columns = np.nonzero(item.alpha)
    points = np.stack([columns, rows], 1) + 0.5
    centre = (points.min(0) + points.max(0)) / 2
    return centre, float(np.hypot(*(points - centre).T).max() + 0.5)


def _bright(rng: np.random.Generator, item: Garment) -> NDArray[np.float32]:
    """Tones from half to full brightness with a light random tint, float32 (256, 3)."""
    brightest = max(int(item.grey[item.alpha > 0].max()), 1)
    grey = 128 + 127 * np.minimum(np.arange(256) / brightest, 1)
    return np.clip(grey[:, None] * rng.uniform(0.85, 1.0, 3), 0, 255).astype(np.float32)
