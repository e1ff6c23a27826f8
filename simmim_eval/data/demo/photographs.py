"""The demo's backgrounds: pictures that lie inside the wheels of scikit-image, scikit-learn and matplotlib.

Nothing is copied into this package. ``terms`` is what the package itself states about a picture (scikit-image: the
docstrings of ``skimage.data``; scikit-learn: ``datasets/images/README.txt``; matplotlib: the file's own comment).
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simmim_eval.errors import DataError

__all__ = ["PHOTOGRAPHS", "Photograph", "background", "photographs"]


@dataclass(frozen=True)
class Photograph:
    """A picture inside an installed package.

    Attributes:
        group: ``training``, ``tuning`` or ``reported``; no picture is in two.
        package: Top-level module of the wheel that holds the picture.
        path: File, relative to the module's folder.
        terms: Author and licence, as the package states them.
    """

    name: str
    group: str
    package: str
    path: str
    terms: str


_BSD = "no statement for the picture itself; scikit-image's BSD-3-Clause"

_SKIMAGE = (
    ("training", "astronaut", "astronaut.png", "NASA; no known copyright restrictions, public domain"),
    ("training", "coffee", "coffee.png", "Rachel Michetti, courtesy of Pikolo Espresso Bar; CC0"),
    ("training", "rocket", "rocket.jpg", "SpaceX; public domain"),
    (
        "training",
        "motorcycle_left",
        "motorcycle_left.png",
        "Middlebury 2014 stereo benchmark (Scharstein et al.); cited",
    ),
    ("training", "hubble", "hubble_deep_field.jpg", "NASA, HubbleSite; may be freely used in the public domain"),
    ("training", "ihc", "ihc.png", "Center for Microscopy And Molecular Imaging; no known copyright restrictions"),
    ("training", "brick", "brick.png", "CC0Textures, Bricks25; CC0"),
    ("training", "gravel", "gravel.png", "CC0Textures, Gravel04; CC0"),
    ("training", "camera", "camera.png", "Lav Varshney; CC0"),
    ("training", "coins", "coins.png", "Brooklyn Museum Collection; no known copyright restrictions"),
    ("tuning", "chelsea", "chelsea.png", "Stefan van der Walt; CC0"),
    ("tuning", "grass", "grass.png", "linolafett on DeviantArt; CC0"),
    ("tuning", "moon", "moon.png", _BSD),
    ("tuning", "retina", "retina.jpg", "Wikimedia Commons, Fundus_photograph_of_normal_left_eye.jpg; CC0 1.0"),
    ("reported", "cell", "cell.png", "Paul Müller et al., doi 10.1364/OE.26.010729; CC0"),
    ("reported", "clock_motion", "clock_motion.png", "Stefan van der Walt; public domain"),
    ("reported", "microaneurysms", "microaneurysms.png", "Andreas Maier, HRF Image Database; CC0"),
    ("reported", "page", "page.png", _BSD),
    ("reported", "text", "text.png", "Wikipedia, Corner.png; no known copyright restrictions, public domain"),
)

_FLICKR = "released under CC BY 2.0 (creativecommons.org/licenses/by/2.0), some rights reserved by danielbuechele"

# Reported: no part of any look that chose the demo's design. motorcycle_right is left out: it shows a training scene.
PHOTOGRAPHS = (
    *(Photograph(name, group, "skimage", f"data/{file}", terms) for group, name, file, terms in _SKIMAGE),
    Photograph(
        "china", "training", "sklearn", "datasets/images/china.jpg", f"{_FLICKR}; flickr.com/photos/danielbuechele"
    ),
    Photograph(
        "flower",
        "tuning",
        "sklearn",
        "datasets/images/flower.jpg",
        f"{_FLICKR}; the link given is flickr.com/photos/vultilion",
    ),
    Photograph(
        "grace_hopper",
        "tuning",
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "source: commons.wikimedia.org/wiki/File:Grace_Hopper.jpg; no terms stated in the package",
    ),
)

_LARGEST_CROP = 5  # times the output: small parts of a large picture are shown at about its own sharpness


def photographs(group: str) -> tuple[Photograph, ...]:
    """The photographs of a group."""
    return tuple(photograph for photograph in PHOTOGRAPHS if photograph.group == group)


def background(rng: np.random.Generator, group: str, size: int) -> NDArray[np.float32]:
    """A random square out of a random photograph of the group, sometimes mirrored: float32 (size, size, 3), 0 to 255.

    Raises:
        DataError: An installed package lacks its picture.
    """
    choice = photographs(group)
    picture = _load(choice[rng.integers(len(choice))])
    shortest = min(picture.size)
    side = int(rng.integers(min(size, shortest), min(_LARGEST_CROP * size, shortest) + 1))
    left, top = (int(rng.integers(length - side + 1)) for length in picture.size)
    crop = picture.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    pixels = np.asarray(crop, np.float32)
    return pixels[:, ::-1] if rng.integers(2) else pixels


@cache
def _load(photograph: Photograph) -> Image.Image:
    spec = importlib.util.find_spec(photograph.package)
    folders = spec.submodule_search_locations if spec is not None else None
    path = Path(folders[0] if folders else photograph.package, photograph.path)
    if not path.is_file():
        raise DataError(
            f"{path}: the demo's photograph {photograph.name!r} is missing from the package {photograph.package}. "
            "Install scikit-image, scikit-learn and matplotlib from their wheels at the locked versions."
        )
    return Image.open(path).convert("RGB")
