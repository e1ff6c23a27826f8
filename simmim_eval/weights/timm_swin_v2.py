"""timm's SwinV2, the names that this project's backbone has too: merging opens a stage, positions by a small MLP."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row

__all__ = ["KEYS", "TimmSwinV2", "is_timm_v2_layout"]

BLOCK = "layers.{stage}.blocks.{block}"
KEYS: tuple[Row, ...] = tuple(
    (key, key)
    for key in (
        "patch_embed.proj.{p}",
        "patch_embed.norm.{p}",
        "layers.{next}.downsample.reduction.weight",
        "layers.{next}.downsample.norm.{p}",
        f"{BLOCK}.attn.logit_scale",
        f"{BLOCK}.attn.cpb_mlp.{{step}}.{{p}}",
        f"{BLOCK}.attn.qkv.weight",
        f"{BLOCK}.attn.q_bias",
        f"{BLOCK}.attn.v_bias",
        f"{BLOCK}.attn.proj.{{p}}",
        f"{BLOCK}.norm1.{{p}}",
        f"{BLOCK}.mlp.fc1.{{p}}",
        f"{BLOCK}.mlp.fc2.{{p}}",
        f"{BLOCK}.norm2.{{p}}",
        f"{BLOCK}.norm3.{{p}}",
        "norm.{p}",
    )
)


def is_timm_v2_layout(shapes: Mapping[str, Size]) -> bool:
    """A SwinV2 whose first stage has no patch merging."""
    return (
        "layers.0.blocks.0.attn.logit_scale" in shapes
        and "layers.0.blocks.0.attn.cpb_mlp.0.weight" in shapes
        and "layers.0.downsample.reduction.weight" not in shapes
    )


class TimmSwinV2(Format):
    """``timm.models.SwinTransformerV2``."""

    name = "timm SwinV2"
    family = "SwinV2"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    parts = (("head.", "classification head"),)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout where it is not one of this project's own files."""
        extras = "mask_token" in shapes or "norm0.weight" in shapes
        return is_timm_v2_layout(shapes) and not extras and not prefix.endswith("backbone.")
