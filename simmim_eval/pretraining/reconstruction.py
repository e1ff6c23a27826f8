"""Pictures of what a SimMIM model fills in."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from simmim_eval.files import atomic_path
from simmim_eval.pretraining.simmim import SimMIM
from simmim_eval.pretraining.targets import expand_mask

__all__ = ["save_reconstructions"]

_COLUMNS = ("image", "masked", "prediction", "pasted")
_GREY = 128
_GAP = 4
_HEADER = 16
_LEAST_TILE = 96


def save_reconstructions(model: SimMIM, samples: Sequence[dict[str, Any]], path: str | os.PathLike[str]) -> None:
    """Write a PNG with one row a sample: image, what the model saw, its prediction, prediction in the holes.

    Args:
        model: A trained model with a normalising data preprocessor; its mode (train or eval) is left as it was.
        samples: What :class:`~simmim_eval.pretraining.transforms.PretrainEvalTransform` gives: ``inputs`` uint8 RGB
            ``(3, H, W)`` and ``mask`` bool, all of one size. An item of the validation data set is one.
        path: The PNG; replaced if it is there.
    """
    images = torch.stack([sample["inputs"] for sample in samples])
    masks = torch.stack([sample["mask"] for sample in samples])
    training = model.training
    model.eval()
    with torch.no_grad():
        data = model.data_preprocessor({"inputs": images, "mask": masks})
        prediction = model(**data, mode="tensor")
    model.train(training)
    pixels = (prediction * model.data_preprocessor.std + model.data_preprocessor.mean).cpu()
    hidden = expand_mask(masks, model.mask_stride)
    image = images.float()
    columns = (image, torch.where(hidden, float(_GREY), image), pixels, torch.where(hidden, pixels, image))
    sheet = _grid([_to_uint8(column) for column in columns])
    with atomic_path(path, overwrite=True) as temporary:
        sheet.save(temporary, format="PNG")


def _to_uint8(pixels: Tensor) -> NDArray[np.uint8]:
    """Float ``(B, 3, H, W)`` in 0 to 255 to uint8 ``(B, H, W, 3)``."""
    array: NDArray[np.uint8] = pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return array


def _grid(columns: list[NDArray[np.uint8]]) -> Image.Image:
    """Tiles ``(rows, H, W, 3)`` of each column side by side, named, enlarged by a whole factor when small."""
    rows, height, width = columns[0].shape[:3]
    zoom = max(1, -(-_LEAST_TILE // min(height, width)))
    step_x, step_y = width * zoom + _GAP, height * zoom + _GAP
    sheet = Image.new("RGB", (len(columns) * step_x + _GAP, _HEADER + rows * step_y), "white")
    draw = ImageDraw.Draw(sheet)
    for x, (name, tiles) in enumerate(zip(_COLUMNS, columns, strict=True)):
        draw.text((_GAP + x * step_x, 2), name, fill="black")
        for y, tile in enumerate(tiles):
            enlarged = Image.fromarray(tile).resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (_GAP + x * step_x, _HEADER + y * step_y))
    return sheet
