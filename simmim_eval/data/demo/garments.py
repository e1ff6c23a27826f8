"""The demo's objects: 14,000 product photographs of Fashion-MNIST (MIT), vendored as one grey sheet of tiles.

``assets/garments.json`` gives the source file and the index in it of every tile; ``tools/vendor_garments.py`` made
both. The three groups share no garment, and the reported one comes from the other file of Fashion-MNIST.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

__all__ = [
    "ASSETS",
    "BASE_CLASSES",
    "CLASSES",
    "GROUPS",
    "KINDS",
    "TRANSFER_CLASSES",
    "Garment",
    "garment",
    "num_garments",
]

ASSETS = Path(__file__).parent / "assets"
TILE = 28  # pixels, side of a garment
COLUMNS = 140  # tiles in a row of the sheet
GROUPS = ("training", "tuning", "reported")
# Fashion-MNIST's own order of labels
CLASSES = ("tshirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
BASE_CLASSES = ("trouser", "dress", "sandal", "shirt", "bag")  # ImageNet's role: pre-training
TRANSFER_CLASSES = ("tshirt", "pullover", "coat", "sneaker", "boot")  # what classification is transferred to
# What scenes are annotated with: ten classes of a few dozen pixels are more than a minute of training tells apart.
KINDS = {
    "top": ("tshirt", "pullover", "coat", "shirt"),
    "trouser": ("trouser",),
    "dress": ("dress",),
    "shoe": ("sandal", "sneaker", "boot"),
    "bag": ("bag",),
}

_THRESHOLD = 12  # of 255; garments were photographed on a background that Fashion-MNIST set to about 0
_MARGIN = 2  # pixels added round a tile, so that an outline on its border can be interpolated


@dataclass(frozen=True)
class Garment:
    """A cut-out.

    Attributes:
        grey: uint8 (32, 32), the real tones; on the outline and outside of it at least the nearest tone inside.
        alpha: uint8 (32, 32), 255 on the garment (holes filled), less on its outline, 0 elsewhere.
    """

    grey: NDArray[np.uint8]
    alpha: NDArray[np.uint8]


def num_garments(group: str, name: str) -> int:
    """How many garments of class ``name`` the group has."""
    return len(_index()["groups"][group]["indices"][name])


@cache
def garment(group: str, name: str, number: int) -> Garment:
    """Garment ``number`` (0 to :func:`num_garments` - 1) of class ``name`` in a group."""
    row, column = divmod(_offsets()[group, name] + number, COLUMNS)
    tile = _sheet()[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
    grey = np.pad(tile, _MARGIN)
    inside = ndimage.binary_fill_holes(grey > _THRESHOLD)
    # A pixel on the outline mixes the garment with the black behind it: tone = alpha * tone of the garment there.
    # Where no inner pixel touches it (a thin strap), its own tone is kept.
    inner = ndimage.binary_erosion(inside)
    distance, nearest = ndimage.distance_transform_edt(~inner, return_indices=True)
    tone = np.where(distance < 2, np.maximum(grey, grey[tuple(nearest)]), grey)
    alpha = np.where(inside & ~inner, 255 * (grey / np.maximum(tone, 1)), inside * 255.0)
    outward = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return Garment(tone[tuple(outward)], alpha.astype(np.uint8))


@cache
def _index() -> dict[str, Any]:
    index: dict[str, Any] = json.loads((ASSETS / "garments.json").read_text())
    return index


@cache
def _offsets() -> dict[tuple[str, str], int]:
    """Number in the sheet of the first garment of each (group, class)."""
    keys = [(group, name) for group in GROUPS for name in CLASSES]
    counts = [num_garments(*key) for key in keys]
    return dict(zip(keys, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))


@cache
def _sheet() -> NDArray[np.uint8]:
    return np.asarray(Image.open(ASSETS / "garments.png"))
