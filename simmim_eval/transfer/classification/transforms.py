"""timm's augmentation on the images that our loader reads."""

from typing import Any

import torch
from PIL import Image
from timm.data import create_transform
from torchvision.transforms import InterpolationMode, TrivialAugmentWide

from simmim_eval.errors import ConfigError
from simmim_eval.registry import TRANSFORMS

__all__ = ["TimmTransform"]


@TRANSFORMS.register_module()
class TimmTransform:
    """``timm.data.create_transform`` as a step of a pipeline; normalisation and erasing are the preprocessor's.

    Takes ``img`` (H, W, 3) uint8 BGR and ``gt_label``; gives ``inputs`` (3, size, size) uint8 RGB and ``gt_label``.

    Args:
        size: Side of the output in pixels.
        is_training: Random augmentation, or resize (by ``crop_pct``) and centre crop.
        trivial_augment: In training, after crop and flip, TrivialAugment (https://arxiv.org/abs/2103.10158) by
            torchvision, bicubic, as SparK has it; timm knows no such policy. It takes the place of colour jitter.
        **kwargs: Further arguments of ``create_transform`` (``scale``, ``auto_augment``, ``crop_pct``, …).

    Raises:
        ConfigError: ``trivial_augment`` beside another policy, or outside training.
    """

    def __init__(self, size: int, is_training: bool, trivial_augment: bool = False, **kwargs: Any) -> None:
        if trivial_augment:
            if kwargs.get("auto_augment") or not is_training:
                raise ConfigError(
                    "TimmTransform: trivial_augment is a policy for training, and the only one. Remove it, or remove "
                    "auto_augment and set is_training=True."
                )
            kwargs = {"color_jitter": None, **kwargs}
        self.transform = create_transform(size, is_training=is_training, normalize=False, **kwargs)
        if trivial_augment:
            self.transform.transforms.insert(-1, TrivialAugmentWide(interpolation=InterpolationMode.BICUBIC))

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Augment one image."""
        image = Image.fromarray(results["img"][..., ::-1])
        return {"inputs": self.transform(image), "gt_label": torch.tensor(results["gt_label"])}
