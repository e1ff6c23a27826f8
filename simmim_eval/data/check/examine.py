"""One file at a time: what it holds and what is wrong with it, found by the functions that training reads with."""

import warnings
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from simmim_eval.data.image import decode_file, orientation, upright_rgb
from simmim_eval.data.label_map import read_label_map
from simmim_eval.data.video import count_frames, decode_frames
from simmim_eval.errors import DataError

__all__ = ["EXAMINERS", "VERSION", "Examined", "examine_chunk"]

VERSION = 1  # raised by hand when an examiner says something else of the same file


class Examined(msgspec.Struct, frozen=True):
    """What one file told.

    Attributes:
        faults: Kind and message of each.
        facts: Of an image ``format``, ``mode``, ``size`` (width and height, upright), ``turned``; of a label map
            ``size`` and ``values`` (value to pixels); of a video ``frames``.
    """

    faults: list[tuple[str, str]] = []
    facts: dict[str, Any] = {}


def examine_image(path: str) -> dict[str, Any]:
    """Decode an image whole, and convert it as the readers do."""
    stored = decode_file(path)
    image = upright_rgb(stored, path)
    return {
        "format": stored.format,
        "mode": stored.mode,
        "size": list(image.size),
        "turned": orientation(stored) != 1,
        "exchanged": image.size != stored.size,
    }


def examine_label_map(path: str) -> dict[str, Any]:
    """Decode a label map and count its values."""
    array = read_label_map(path)
    values, counts = np.unique(array, return_counts=True)
    pixels = {str(int(value)): int(count) for value, count in zip(values, counts, strict=True)}
    return {"size": [array.shape[1], array.shape[0]], "values": pixels}


def examine_video(path: str) -> dict[str, Any]:
    """Count the frames of a video by its packets, and decode the first."""
    frames = count_frames(path)
    height, width = decode_frames(path, [0])[0].shape[:2]
    return {"frames": frames, "size": [width, height]}


EXAMINERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "image": examine_image,
    "label map": examine_label_map,
    "video": examine_video,
}


def examine_chunk(examiner: str, paths: list[str]) -> list[Examined]:
    """Examine some files, each whatever became of the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow tells of broken EXIF blocks, which do no harm
        return [_examine(EXAMINERS[examiner], path) for path in paths]


def _examine(examine: Callable[[str], dict[str, Any]], path: str) -> Examined:
    try:
        return Examined(facts=examine(path))
    except DataError as error:
        return Examined(faults=[(error.kind, str(error))])
    except (OSError, MemoryError) as error:
        return Examined(faults=[("unreadable", f"{path}: cannot be read ({error}).")])
