"""MAE in pre-training: timm's ViT beside a decoder, whose names begin with ``decoder_``."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format
from simmim_eval.weights.timm_vit import FUSED_BIAS, KEYS, is_vit_layout

__all__ = ["MAEViT"]


class MAEViT(Format):
    """``MaskedAutoencoderViT`` of facebookresearch/mae.

    Its mask token belongs to the decoder: the encoder never sees one, so it does not become the backbone's.
    """

    name = "MAE ViT"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = tuple(row for row in KEYS if row[1] != "mask_token")
    splits = (FUSED_BIAS,)
    parts = (
        ("decoder_", "decoder of pre-training"),
        ("mask_token", "mask token (pre-training only)"),
    )

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout with a mask token."""
        return is_vit_layout(shapes) and "mask_token" in shapes
