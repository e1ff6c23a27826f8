"""The official Swin: microsoft/SimMIM (pre-training and fine-tuning) and microsoft/Swin-Transformer.

Patch merging closes a stage: the file's ``layers.0.downsample`` is the backbone's ``layers.1.downsample``.
In a SimMIM pre-training file everything of the backbone starts with ``encoder.``.
"""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row

__all__ = ["SimMIMSwin"]

BLOCK = "layers.{stage}.blocks.{block}"
KEYS: tuple[Row, ...] = (
    ("patch_embed.proj.{p}", "patch_embed.proj.{p}"),
    ("patch_embed.norm.{p}", "patch_embed.norm.{p}"),
    ("layers.{stage}.downsample.norm.{p}", "layers.{next}.downsample.norm.{p}"),
    ("layers.{stage}.downsample.reduction.weight", "layers.{next}.downsample.reduction.weight"),
    (f"{BLOCK}.norm1.{{p}}", f"{BLOCK}.norm1.{{p}}"),
    (f"{BLOCK}.attn.qkv.{{p}}", f"{BLOCK}.attn.qkv.{{p}}"),
    (f"{BLOCK}.attn.proj.{{p}}", f"{BLOCK}.attn.proj.{{p}}"),
    (f"{BLOCK}.attn.relative_position_bias_table", f"{BLOCK}.attn.relative_position_bias_table"),
    (f"{BLOCK}.norm2.{{p}}", f"{BLOCK}.norm2.{{p}}"),
    (f"{BLOCK}.mlp.fc1.{{p}}", f"{BLOCK}.mlp.fc1.{{p}}"),
    (f"{BLOCK}.mlp.fc2.{{p}}", f"{BLOCK}.mlp.fc2.{{p}}"),
    ("norm.{p}", "norm.{p}"),
    ("mask_token", "mask_token"),
)


class SimMIMSwin(Format):
    """``SwinTransformer`` and ``SwinTransformerForSimMIM`` of the two official repositories."""

    name = "official Swin"
    family = "Swin"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    parts = (
        ("decoder.", "decoder of pre-training"),
        ("head.", "classification head"),
    )

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """A 2D Swin (not a SwinV2, which has no table) whose first stage ends in patch merging."""
        return (
            "layers.0.blocks.0.attn.relative_position_bias_table" in shapes
            and "layers.0.downsample.reduction.weight" in shapes
            and len(shapes[self.anchor]) == 4
        )
