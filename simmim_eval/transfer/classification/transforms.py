"""timm's augmentation on the images that our loader reads."""

from typing import Any

import torch
from PIL import Image
from timm.data import create_transform

from simmim_eval.registry import TRANSFORMS

__all__ = ["TimmTransform"]


@TRANSFORMS.register_module()
class TimmTransform:
    """``timm.data.create_transform`` as a step of a pipeline; normalisation and erasing are the preprocessor's.

    Takes ``img`` (H, W, 3) uint8 BGR and ``gt_label``; gives ``inputs`` (3, size, size) uint8 RGB and ``gt_label``.

    Args:
        size: Side of the output in pixels.
        is_training: Random augmentation, or resize (by ``crop_pct``) and centre crop.
        **kwargs: Further arguments of ``create_transform`` (``scale``, ``auto_augment``, ``crop_pct``, …).
    """

    def __init__(self, size: int, is_training: bool, **kwargs: Any) -> None:
        self.transform = create_transform(size, is_training=is_training, normalize=False, **kwargs)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Augment one image."""
        image = Image.fromarray(results["img"][..., ::-1])
        return {"inputs": self.transform(image), "gt_label": torch.tensor(results["gt_label"])}
