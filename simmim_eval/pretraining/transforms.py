"""From a decoded image to SimMIM's input: the crop of the official recipe and a mask."""

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms
from torchvision.transforms.functional import pil_to_tensor

from simmim_eval.pretraining.masking import RandomMask
from simmim_eval.registry import TRANSFORMS

__all__ = ["PretrainEvalTransform", "PretrainTransform"]


@TRANSFORMS.register_module()
class PretrainTransform(BaseTransform):
    """Random crop, flip and mask.

    Needs ``img``: uint8 BGR ``(H, W, 3)``. Gives ``inputs``: uint8 RGB ``(3, img_size, img_size)`` and ``mask``: bool
    ``(img_size / mask_stride, img_size / mask_stride)``, nothing else. All draws come from torch's global generator,
    which mmengine seeds in the main process and in every worker.

    Args:
        img_size: Side of the input, in pixels.
        mask_patch_size: Side of a hidden unit, in pixels.
        mask_stride: Pixels per cell of the mask; the backbone's.
        mask_ratio: Share of hidden units.
        crop_scale: Range of the crop's share of the image's area.
        brightness: Factor drawn from ``1 - brightness`` to ``1 + brightness``; 0 = off, as published.
    """

    def __init__(
        self,
        img_size: int,
        mask_patch_size: int = 32,
        mask_stride: int = 4,
        mask_ratio: float = 0.6,
        crop_scale: tuple[float, float] = (0.67, 1.0),
        brightness: float = 0.0,
    ) -> None:
        self.mask = RandomMask(img_size, mask_patch_size, mask_stride, mask_ratio)
        self.augment = transforms.Compose(
            [
                transforms.RandomResizedCrop(img_size, scale=tuple(crop_scale)),
                transforms.RandomHorizontalFlip(),
                transforms.ColorJitter(brightness=brightness),
            ]
        )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Augment and mask one image."""
        inputs = pil_to_tensor(self.augment(_rgb_image(results["img"])))
        seed = int(torch.randint(2**62, ()))
        return {"inputs": inputs, "mask": torch.from_numpy(self.mask(np.random.default_rng(seed)))}


@TRANSFORMS.register_module()
class PretrainEvalTransform(BaseTransform):
    """Resize the shorter side, centre crop, and a mask that depends on ``sample_idx`` and nothing else.

    Needs ``img``: uint8 BGR ``(H, W, 3)`` and ``sample_idx``: int. Gives what :class:`PretrainTransform` gives.

    Args:
        img_size: Side of the input, in pixels.
        mask_patch_size: Side of a hidden unit, in pixels.
        mask_stride: Pixels per cell of the mask; the backbone's.
        mask_ratio: Share of hidden units.
    """

    def __init__(self, img_size: int, mask_patch_size: int = 32, mask_stride: int = 4, mask_ratio: float = 0.6) -> None:
        self.mask = RandomMask(img_size, mask_patch_size, mask_stride, mask_ratio)
        self.resize = transforms.Compose([transforms.Resize(img_size), transforms.CenterCrop(img_size)])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop and mask one image."""
        inputs = pil_to_tensor(self.resize(_rgb_image(results["img"])))
        rng = np.random.default_rng(results["sample_idx"])
        return {"inputs": inputs, "mask": torch.from_numpy(self.mask(rng))}


def _rgb_image(bgr: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))
