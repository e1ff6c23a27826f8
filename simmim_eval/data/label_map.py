"""A PNG becomes a map of class numbers, or an error that names the file and the value."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from simmim_eval.data.image import decode_file
from simmim_eval.errors import ConfigError, DataError
from simmim_eval.registry import TRANSFORMS

__all__ = ["IGNORED", "LoadLabelMap", "read_label_map"]

IGNORED = 255  # mmseg's ignore_index


def read_label_map(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read a label map as (H, W) whole numbers; for a palette PNG these are the indices, not the colours.

    Never turned by an EXIF orientation, as in mmseg: a map has the pixels of the upright image.
    """
    image = decode_file(path)
    if image.mode not in ("1", "L", "P", "I", "I;16"):
        raise DataError(
            f"{path}: mode {image.mode} holds colours, not class numbers. "
            "Expected a PNG of one channel whose values are the class numbers; convert it.",
            kind="coloured-map",
        )
    return np.asarray(image)


@TRANSFORMS.register_module()
class LoadLabelMap:
    """Load ``seg_map_path`` as mmseg's ``LoadAnnotations`` does, but never a value that means no class.

    Adds ``gt_seg_map`` (uint8 (H, W), 0 to num_classes - 1, or 255 = ignored). Needs what ``simmim_eval.ADE20K``
    gives: ``num_classes``, ``reduce_zero_label``, ``seg_fields``.

    Example:
        ``[dict(type='simmim_eval.LoadImage'), dict(type='simmim_eval.LoadLabelMap'), ...]``

    Raises:
        DataError: Unreadable, coloured, a value out of range, or a size unlike the image's.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the label map to ``results``; a DataError names file, value and the allowed range."""
        if "num_classes" not in results:
            raise ConfigError("simmim_eval.LoadLabelMap: the data set gives no num_classes. Use simmim_eval.ADE20K.")
        path, reduced = results["seg_map_path"], results["reduce_zero_label"]
        values = read_label_map(path)
        if values.shape != tuple(results.get("ori_shape", values.shape)):
            height, width = results["ori_shape"]
            raise DataError(
                f"{path}: is {values.shape[0]} x {values.shape[1]} (height x width), its image (upright) is "
                f"{height} x {width}. Restore the pair; both must have one size.",
                kind="map-size",
            )
        table = _lookup_table(results["num_classes"], reduced)
        strange = np.setdiff1d(values, np.flatnonzero(table >= 0))
        if strange.size:
            message = _out_of_range(path, int(strange[-1]), results["num_classes"], reduced)
            raise DataError(message, kind="label-range")
        results["gt_seg_map"] = table[values.astype(np.intp)].astype(np.uint8)
        results["seg_fields"].append("gt_seg_map")
        return results

    def __repr__(self) -> str:
        return "LoadLabelMap()"


def _lookup_table(num_classes: int, reduced: bool) -> npt.NDArray[np.int64]:
    """Class of each stored value 0 to 255; -1 where the value is not allowed."""
    table = np.full(IGNORED + 1, -1)
    table[reduced : reduced + num_classes] = np.arange(num_classes)
    table[IGNORED] = IGNORED
    if reduced:
        table[0] = IGNORED
    return table


def _out_of_range(path: str, value: int, num_classes: int, reduced: bool) -> str:
    if reduced:
        allowed = f"1 to {num_classes}, 0 or 255 for no class (reduce_zero_label=True)"
    else:
        allowed = f"0 to {num_classes - 1}, or 255 for no class (reduce_zero_label=False)"
    message = f"{path}: holds the value {value}; with {num_classes} classes allowed are {allowed}. "
    if value == num_classes and not reduced:
        return message + "If 0 means no class in your maps, set reduce_zero_label=True."
    return message + "Correct the map, or the classes in metainfo and reduce_zero_label."
