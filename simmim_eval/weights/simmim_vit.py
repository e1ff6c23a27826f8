"""SimMIM's and BEiT's own ViT, one line of code: in pre-training one position table for all blocks, then one a block.

In a SimMIM pre-training file everything of the backbone starts with ``encoder.``.
"""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format
from simmim_eval.weights.timm_beit import KEYS, POOLED_NORM, has_official_marks, is_beit_layout

__all__ = ["SimMIMViT"]


class SimMIMViT(Format):
    """``VisionTransformer`` of microsoft/SimMIM and microsoft/unilm (BEiT), in pre-training and fine-tuned.

    The fine-tuned files of the two have the same names, so nothing tells one from the other.
    """

    name = "official SimMIM or BEiT ViT"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    parts = (
        ("decoder.", "decoder of pre-training"),
        ("lm_head.", "classification head"),
        ("head.", "classification head"),
        POOLED_NORM,
    )

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout with index buffers, in SimMIM's encoder, or with BEiT's head over visual tokens."""
        return is_beit_layout(shapes) and has_official_marks(prefix, shapes)
