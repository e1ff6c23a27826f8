"""timm's ``VisionTransformer``: one bias for queries, keys and values together.

The keys' part adds the same number to all logits of a query, which the softmax takes out again: it is left out, and
zero on the way back.
"""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row, Split
from simmim_eval.weights.timm_beit import KEYS as BEIT_KEYS
from simmim_eval.weights.timm_beit import POOLED_NORM

__all__ = ["KEYS", "KEY_BIAS", "TimmViT", "fused_bias", "is_vit_layout"]

KEY_BIAS = "key bias, constant in the softmax"
KEYS: tuple[Row, ...] = (
    *((f"blocks.{{block}}.ls{i}.gamma", f"blocks.{{block}}.gamma_{i}") for i in (1, 2)),
    *(row for row in BEIT_KEYS if row[1].rpartition(".")[2] not in ("q_bias", "v_bias")),
)


def fused_bias(source: str) -> Split:
    """A bias (3C,) of queries, keys and values, under ``source`` in the file."""
    return Split(source, ("blocks.{block}.attn.q_bias", None, "blocks.{block}.attn.v_bias"), KEY_BIAS)


FUSED_BIAS = fused_bias("blocks.{block}.attn.qkv.bias")


def is_vit_layout(shapes: Mapping[str, Size]) -> bool:
    """A ViT without a bias of its own for queries."""
    return "blocks.0.attn.qkv.weight" in shapes and "blocks.0.attn.q_bias" not in shapes


class TimmViT(Format):
    """``timm.models.VisionTransformer``; MAE's fine-tuned and DINO's bare files have the same names."""

    name = "timm ViT"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    splits = (FUSED_BIAS,)
    parts = (("head.", "classification head"), POOLED_NORM)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout outside of a pre-training method."""
        return is_vit_layout(shapes) and "mask_token" not in shapes and not prefix.endswith(("backbone.", "encoder."))
