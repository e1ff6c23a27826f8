"""A file becomes an upright 8-bit image, or an error that names the file.

Pillow decodes, because OpenCV fills the missing part of a truncated JPEG with grey and says nothing. Where both
read a file the pixels are equal, except CMYK (one grey level, by rounding).
"""

import os
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from simmim_eval.errors import DataError
from simmim_eval.registry import TRANSFORMS

__all__ = ["IMAGE_SUFFIXES", "LoadImage", "decode_file", "read_image"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

_ORIENTATION = 0x0112  # EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_file(path: str | os.PathLike[str]) -> Image.Image:
    """Read and decode the whole file in the mode that it is stored in; a DataError names a file that has a fault."""
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such image. Restore the file, or remove it from the annotations.") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: is not an image that can be read. Replace or remove the file.") from error
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them meet
        raise DataError(f"{path}: cannot be decoded ({error}). Replace the truncated or damaged file.") from error


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """Read an image file as upright RGB, 8 bits a channel.

    Grey is repeated, alpha dropped, CMYK and palettes converted; 16-bit values keep their high byte. The EXIF
    orientation is applied, as mmdet and mmseg do by default: a box or a label map belongs to the upright image.

    Raises:
        DataError: The file is absent, truncated, not an image, or of a kind with no 8-bit meaning (32-bit, float).
    """
    image = decode_file(path)
    if image.mode.startswith("I;16"):
        image = _high_byte(image)
    try:
        if image.mode in ("I", "F"):
            raise ValueError("32 bits a pixel have no defined white")
        rgb = image.convert("RGB")
    except ValueError as error:
        raise DataError(f"{path}: mode {image.mode} is not understood ({error}). Convert it to 8-bit RGB.") from error
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    return rgb if turn is None else rgb.transpose(turn)


def _high_byte(image: Image.Image) -> Image.Image:
    grey = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    grey.getexif().update(image.getexif())
    return grey


@TRANSFORMS.register_module()
class LoadImage:
    """Load ``img_path`` as mmcv's ``LoadImageFromFile`` does, but never a broken file in silence.

    Adds ``img`` (uint8 (H, W, 3), BGR, 0 to 255), ``img_shape`` and ``ori_shape`` (H, W). Where the annotations give
    ``height`` and ``width``, the image must have them.

    Example:
        ``train_pipeline = [dict(type='simmim_eval.LoadImage'), ...]``
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image to ``results``; a DataError names the file."""
        image = read_image(results["img_path"])
        width, height = image.size
        stated = (results.get("height", height), results.get("width", width))
        if stated != (height, width):
            raise DataError(
                f"{results['img_path']}: is {height} x {width} (height x width), its annotations say "
                f"{stated[0]} x {stated[1]}. Restore the image that was annotated, or correct height and width."
            )
        bgr = bytearray(image.tobytes("raw", "BGR"))  # writable, and five times as fast as reversing an array
        results["img"] = np.frombuffer(bgr, np.uint8).reshape(height, width, 3)
        results["img_shape"] = results["ori_shape"] = (height, width)
        return results

    def __repr__(self) -> str:
        return "LoadImage()"
