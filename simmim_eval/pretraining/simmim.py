"""SimMIM (arXiv 2111.09886): hide patches, encode, predict the raw pixels of what was hidden."""

from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor

from simmim_eval.backbones import Backbone
from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.pretraining.heads import LinearHead
from simmim_eval.pretraining.targets import expand_mask, hidden_pixel_l1, hidden_pixel_l1_per_image, window_statistics
from simmim_eval.registry import MODELS

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "SimMIM"]

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)  # both RGB, in units of 0 to 255


@MODELS.register_module()
class SimMIM(BaseModel):
    """Masked image modelling over any backbone that takes a mask.

    Args:
        backbone: Config of a backbone that keeps the contract of :mod:`simmim_eval.backbones`, or the module. It
            returns one map, that of its last stage, and has a ``mask_token`` (set here if a config does not say).
        head: Config of the head; ``in_chans`` and ``encoder_stride`` come from the backbone. Default:
            :class:`~simmim_eval.pretraining.heads.LinearHead`.
        mask_patch_size: Side of a masked unit, in pixels. An input that it does not divide is refused.
        norm_target: Side, in pixels and odd, of the window around each pixel by whose mean and deviation the target is
            normalised (SwinV2: 47); None: the pixels as they are.
        data_preprocessor: Config; default: normalisation of RGB 0 to 255 by ImageNet's mean and deviation.

    Raises:
        ConfigError: The backbone has no mask token, or returns more than one map; ``norm_target`` is no odd number.

    Example:
        >>> model = dict(
        ...     type="simmim_eval.SimMIM",
        ...     backbone=dict(type="simmim_eval.Swin", arch="base", img_size=192, window_size=6, out_indices=(3,)),
        ...     mask_patch_size=32,
        ... )
    """

    def __init__(
        self,
        backbone: dict[str, Any] | Backbone,
        head: dict[str, Any] | None = None,
        mask_patch_size: int = 32,
        norm_target: int | None = None,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        normalise = dict(type="mmengine.ImgDataPreprocessor", mean=IMAGENET_MEAN, std=IMAGENET_STD)
        super().__init__(data_preprocessor=data_preprocessor or normalise)
        plug: Backbone = MODELS.build({"use_mask_token": True, **backbone}) if isinstance(backbone, dict) else backbone
        _check_backbone(plug)
        self.backbone = plug
        self.mask_stride = plug.mask_stride
        self.encoder_stride = plug.feature_strides[-1]
        self.mask_patch_size = mask_patch_size
        if mask_patch_size < 1 or mask_patch_size % self.mask_stride:
            raise MaskError(
                f"model.mask_patch_size is {mask_patch_size}; {type(plug).__name__} hides cells of "
                f"{self.mask_stride} pixels. Choose a multiple of {self.mask_stride}."
            )
        self.norm_target = _check_norm_target(norm_target)
        sizes = dict(in_chans=plug.channels[-1], encoder_stride=self.encoder_stride)
        self.head = LinearHead(**sizes) if head is None else MODELS.build({**head, **sizes})

    def forward(
        self, inputs: Tensor, mask: Tensor | list[Tensor], mode: str = "tensor", data_samples: None = None
    ) -> Tensor | dict[str, Tensor] | list[dict[str, Any]]:
        """Fill in the hidden part of normalised images.

        Args:
            inputs: float ``(B, 3, H, W)``; the target comes from them too.
            mask: bool ``(B, H / mask_stride, W / mask_stride)``, True = hidden, or the list of its rows.
            mode: ``tensor``, ``loss`` or ``predict``.
            data_samples: Unused; mmengine's preprocessor adds it to every batch.

        Returns:
            The images as predicted ``(B, 3, H, W)``, in units of the inputs; or ``{"loss": scalar}``; or for each
            image a dict of ``reconstruction`` ``(3, H, W)``, ``mask`` and ``hidden_l1`` (a float, in units of the
            target).

        Raises:
            MaskError: The mask does not fit the input, or ``mask_patch_size`` does not divide it.
        """
        mask = mask if isinstance(mask, Tensor) else torch.stack(mask)
        self._check_size(*inputs.shape[-2:])
        prediction: Tensor = self.head(self.backbone(inputs, mask)[-1])
        mean, deviation = window_statistics(inputs, self.norm_target) if self.norm_target else (0.0, 1.0)
        target, images = (inputs - mean) / deviation, prediction * deviation + mean
        if mode == "tensor":
            return images
        pixel_mask = expand_mask(mask, self.mask_stride)
        if mode == "loss":
            return {"loss": hidden_pixel_l1(prediction, target, pixel_mask)}
        if mode == "predict":
            errors = hidden_pixel_l1_per_image(prediction, target, pixel_mask).tolist()
            return [
                {"reconstruction": pixels, "mask": hidden, "hidden_l1": error}
                for pixels, hidden, error in zip(images, mask, errors, strict=True)
            ]
        raise ConfigError(f"mode is {mode!r}; expected 'tensor', 'loss' or 'predict'.")

    def _check_size(self, height: int, width: int) -> None:
        for name, size in (("mask_patch_size", self.mask_patch_size), ("encoder stride", self.encoder_stride)):
            if height % size or width % size:
                raise MaskError(
                    f"the input is {height}x{width} pixels, which the {name} {size} does not divide. "
                    f"Choose an image size that is a multiple of {size}, or another {name}."
                )


def _check_backbone(backbone: Backbone) -> None:
    name = type(backbone).__name__
    if getattr(backbone, "mask_token", None) is None:
        raise ConfigError(f"model.backbone: {name} has no mask token, and SimMIM needs one. Set use_mask_token=True.")
    maps = len(backbone.channels)
    if maps != 1:
        # The norms of other outputs would get no gradient, which DistributedDataParallel refuses.
        raise ConfigError(
            f"model.backbone: {name} returns {maps} maps; SimMIM uses the last alone. "
            f"Set out_indices=({backbone.out_indices[-1]},)."
        )


def _check_norm_target(norm_target: int | None) -> int | None:
    fits = isinstance(norm_target, int) and norm_target >= 3 and norm_target % 2
    if norm_target is not None and not fits:
        raise ConfigError(
            f"model.norm_target is {norm_target!r}; expected an odd number of pixels from 3 (SwinV2: 47), or None for "
            "the pixels as they are."
        )
    return norm_target
