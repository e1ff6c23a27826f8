"""timm's ``Beit``, the names that this project's ViT has too: no key bias, layer scale as ``gamma_1``, ``gamma_2``."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row

__all__ = ["KEYS", "POOLED_NORM", "TimmBeit", "has_official_marks", "is_beit_layout"]

BLOCK = "blocks.{block}"
KEYS: tuple[Row, ...] = tuple(
    (key, key)
    for key in (
        "cls_token",
        "mask_token",
        "pos_embed",
        "patch_embed.proj.{p}",
        "rel_pos_bias.relative_position_bias_table",
        f"{BLOCK}.gamma_1",
        f"{BLOCK}.gamma_2",
        f"{BLOCK}.norm1.{{p}}",
        f"{BLOCK}.attn.qkv.weight",
        f"{BLOCK}.attn.q_bias",
        f"{BLOCK}.attn.v_bias",
        f"{BLOCK}.attn.proj.{{p}}",
        f"{BLOCK}.attn.relative_position_bias_table",
        f"{BLOCK}.norm2.{{p}}",
        f"{BLOCK}.mlp.fc1.{{p}}",
        f"{BLOCK}.mlp.fc2.{{p}}",
        "norm.{p}",
    )
)
POOLED_NORM: Row = ("fc_norm.", "norm of the pooled vector (classification)")


def is_beit_layout(shapes: Mapping[str, Size]) -> bool:
    """A ViT whose queries and values have a bias each, and whose keys have none."""
    return "blocks.0.attn.qkv.weight" in shapes and "blocks.0.attn.q_bias" in shapes


def has_official_marks(prefix: str, shapes: Mapping[str, Size]) -> bool:
    """What SimMIM's and BEiT's own classes leave in a file: index buffers, SimMIM's encoder, BEiT's token head."""
    indexed = any(name.endswith(".relative_position_index") for name in shapes)
    return indexed or prefix.endswith("encoder.") or "lm_head.weight" in shapes


class TimmBeit(Format):
    """``timm.models.Beit``."""

    name = "timm Beit"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    parts = (("head.", "classification head"), POOLED_NORM)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout where nothing betrays the official classes or this project's own."""
        return (
            is_beit_layout(shapes)
            and not has_official_marks(prefix, shapes)
            and not prefix.endswith("backbone.")
            and "mask_token" not in shapes
        )
