"""DINO in pre-training: timm's ViT as the ``backbone`` beside a projection head."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format
from simmim_eval.weights.timm_vit import FUSED_BIAS, KEYS, is_vit_layout

__all__ = ["DINOViT"]


class DINOViT(Format):
    """``VisionTransformer`` of facebookresearch/dino inside its ``MultiCropWrapper``, student or teacher."""

    name = "DINO ViT"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    splits = (FUSED_BIAS,)
    parts = (("head.", "projection head of pre-training"),)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout as a ``backbone`` with a fused bias, which this project's own files never have."""
        return is_vit_layout(shapes) and "mask_token" not in shapes and prefix.endswith("backbone.")
