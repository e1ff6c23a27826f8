"""Masks for backbones without tokens: a learned colour covers hidden pixels before the stem sees them.

SimMIM (https://arxiv.org/abs/2111.09886) masks convolutional networks so. The network is given nothing else of a hidden
pixel, hence neither its features nor, in training, the statistics of its batch norms depend on it.
"""

from typing import Any

import torch
from timm.layers.weight_init import trunc_normal_
from torch import Tensor, nn

from ..errors import MaskError
from .base import Backbone

__all__ = ["PixelMaskedBackbone"]

INIT_STD = 0.02


class PixelMaskedBackbone(Backbone):
    """A backbone whose ``mask`` is (B, H, W) bool, one cell a pixel.

    A subclass calls :meth:`hide` on its input, :meth:`reset_mask_token` in ``reset_parameters``, and counts the token
    to the stem: layer 0, no weight decay, frozen with it.

    Args:
        in_chans: Input channels; the token has one value for each.
        use_mask_token: Make the token (pre-training only: an unused parameter stops distributed training).
        plug: Options of :class:`Backbone`.
    """

    mask_stride = 1
    mask_token: nn.Parameter | None

    def __init__(self, in_chans: int, use_mask_token: bool, **plug: Any) -> None:
        super().__init__(**plug)
        token = nn.Parameter(torch.zeros(1, in_chans, 1, 1)) if use_mask_token else None
        self.register_parameter("mask_token", token)

    def hide(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, C, H, W) with the pixels under ``mask``, if there is one, replaced by the token."""
        if mask is None:
            return x
        self.check_mask(mask, x)
        if self.mask_token is None:
            raise MaskError("mask given, but this backbone has no mask token. Build it with use_mask_token=True.")
        return torch.where(mask[:, None], self.mask_token.to(x.dtype), x)

    def reset_mask_token(self) -> None:
        """Draw the token, if there is one, as SimMIM draws Swin's: N(0, 0.02), near the images' mean colour."""
        if self.mask_token is not None:
            trunc_normal_(self.mask_token, std=INIT_STD)

    def no_weight_decay(self) -> set[str]:
        """The mask token."""
        return set() if self.mask_token is None else {"mask_token"}
