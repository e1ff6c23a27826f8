"""timm's Swin since 0.9, the names that this project's backbone has too: merging opens a stage."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row

__all__ = ["KEYS", "TimmSwin", "has_extras", "is_timm_layout"]

BLOCK = "layers.{stage}.blocks.{block}"
KEYS: tuple[Row, ...] = tuple(
    (key, key)
    for key in (
        "patch_embed.proj.{p}",
        "patch_embed.norm.{p}",
        "layers.{next}.downsample.norm.{p}",
        "layers.{next}.downsample.reduction.weight",
        f"{BLOCK}.norm1.{{p}}",
        f"{BLOCK}.attn.qkv.{{p}}",
        f"{BLOCK}.attn.proj.{{p}}",
        f"{BLOCK}.attn.relative_position_bias_table",
        f"{BLOCK}.norm2.{{p}}",
        f"{BLOCK}.mlp.fc1.{{p}}",
        f"{BLOCK}.mlp.fc2.{{p}}",
        "norm.{p}",
    )
)


def is_timm_layout(shapes: Mapping[str, Size]) -> bool:
    """A Swin (not a SwinV2, which has no table) whose first stage has no patch merging."""
    return (
        "layers.0.blocks.0.attn.relative_position_bias_table" in shapes
        and "layers.0.downsample.reduction.weight" not in shapes
    )


def has_extras(shapes: Mapping[str, Size]) -> bool:
    """What only this project adds to timm's layout: a mask token, norms of earlier outputs, patches over time."""
    return "mask_token" in shapes or "norm0.weight" in shapes or len(shapes["patch_embed.proj.weight"]) == 5


class TimmSwin(Format):
    """``timm.models.SwinTransformer``."""

    name = "timm Swin"
    family = "Swin"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    parts = (("head.", "classification head"),)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout where it is not one of this project's own files."""
        return is_timm_layout(shapes) and not has_extras(shapes) and not prefix.endswith("backbone.")
