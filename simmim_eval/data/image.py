"""A file becomes an upright 8-bit image, or an error that names the file.

Pillow decodes, because OpenCV fills the missing part of a truncated JPEG with grey and says nothing. Where both
read a file the pixels are equal, except CMYK (one grey level, by rounding).
"""

import os
import re
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from simmim_eval.errors import DataError
from simmim_eval.registry import TRANSFORMS

__all__ = ["IMAGE_SUFFIXES", "LoadImage", "decode_file", "orientation", "read_image", "size_fault", "upright_rgb"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

TRUNCATED = re.compile(r"truncated|unexpected end|end of file|not enough (?:image )?data", re.IGNORECASE)

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
        raise DataError(
            f"{path}: no such image. Restore the file, or remove it from the annotations.", kind="missing"
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path}: is not an image that can be read. Replace or remove the file.", kind="not-an-image"
        ) from error
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them meet
        raise DataError(
            f"{path}: cannot be decoded ({error}). Replace the truncated or damaged file.",
            kind="truncated" if TRUNCATED.search(str(error)) else "damaged",
        ) from error


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """Read an image file as upright RGB, 8 bits a channel.

    Grey is repeated, alpha dropped, CMYK and palettes converted; 16-bit values keep their high byte. The EXIF
    orientation is applied, as mmdet, mmseg and detectron2 do by default: a box or a label map belongs to the upright
    image. (torchvision's folders, which the published ImageNet numbers used, leave the few turned ones as stored.)

    Raises:
        DataError: The file is absent, truncated, not an image, or of a kind with no 8-bit meaning (32-bit, float).
    """
    return upright_rgb(decode_file(path), path)


def upright_rgb(image: Image.Image, path: str | os.PathLike[str]) -> Image.Image:
    """What :func:`decode_file` gave as upright RGB, 8 bits a channel; ``path`` is for the message."""
    turn = _UPRIGHT.get(orientation(image))
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    try:
        if image.mode in ("I", "F"):
            raise ValueError("32 bits a pixel have no defined white")
        rgb = image.convert("RGB")
    except ValueError as error:
        raise DataError(
            f"{path}: mode {image.mode} is not understood ({error}). Convert it to 8-bit RGB.", kind="mode"
        ) from error
    return rgb if turn is None else rgb.transpose(turn)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of a decoded image, 1 to 8; 1, upright, where the file has none that can be read."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a broken EXIF block, as some images of ImageNet have, says nothing of the pixels
        return 1
    return value if value in _UPRIGHT else 1


def size_fault(
    path: str | os.PathLike[str], size: tuple[int, int], stated: tuple[int, int], *, turned: bool
) -> DataError:
    """The fault of an image whose annotations give another size.

    Args:
        path: The image.
        size: Height and width of the upright image.
        stated: Height and width in the annotations.
        turned: Whether the EXIF orientation exchanged height and width.
    """
    if turned and stated == size[::-1]:
        return DataError(
            f"{path}: is {size[0]} x {size[1]} (height x width) once it is turned upright by its EXIF orientation; its "
            f"annotations say {stated[0]} x {stated[1]}, as it is stored. Remove the orientation from the file (for "
            "instance: exiftool -Orientation= FILE) if they were drawn on the stored image, or correct them.",
            kind="size-turned",
        )
    return DataError(
        f"{path}: is {size[0]} x {size[1]} (height x width), its annotations say {stated[0]} x {stated[1]}. Restore "
        "the image that was annotated, or correct height and width.",
        kind="size",
    )


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
        path = results["img_path"]
        stored = decode_file(path)
        image = upright_rgb(stored, path)
        width, height = image.size
        stated = (results.get("height", height), results.get("width", width))
        if stated != (height, width):
            raise size_fault(path, (height, width), stated, turned=image.size != stored.size)
        bgr = bytearray(image.tobytes("raw", "BGR"))  # writable, and five times as fast as reversing an array
        results["img"] = np.frombuffer(bgr, np.uint8).reshape(height, width, 3)
        results["img_shape"] = results["ori_shape"] = (height, width)
        return results

    def __repr__(self) -> str:
        return "LoadImage()"
