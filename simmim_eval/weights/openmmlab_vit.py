"""The ViTs of mmpretrain and mmsegmentation: BEiT, ViT, MAE and MoCo v3, one naming.

``ln1`` and ``ln2`` inside a block are its norms; beside the blocks ``ln1`` is the final norm and ``ln2`` that of the
pooled vector. BEiT has a bias for queries and one for values; the others, mmsegmentation's MAE too, a fused one.
"""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row
from simmim_eval.weights.timm_vit import fused_bias

__all__ = ["OpenMMLabBEiT", "OpenMMLabViT"]

THEIRS = "layers.{block}"
OURS = "blocks.{block}"
KEYS: tuple[Row, ...] = (
    ("cls_token", "cls_token"),
    ("mask_token", "mask_token"),
    ("pos_embed", "pos_embed"),
    ("patch_embed.projection.{p}", "patch_embed.proj.{p}"),
    ("rel_pos_bias.relative_position_bias_table", "rel_pos_bias.relative_position_bias_table"),
    (f"{THEIRS}.gamma_1", f"{OURS}.gamma_1"),
    (f"{THEIRS}.gamma_2", f"{OURS}.gamma_2"),
    (f"{THEIRS}.ln1.{{p}}", f"{OURS}.norm1.{{p}}"),
    (f"{THEIRS}.attn.qkv.weight", f"{OURS}.attn.qkv.weight"),
    (f"{THEIRS}.attn.proj.{{p}}", f"{OURS}.attn.proj.{{p}}"),
    (f"{THEIRS}.attn.relative_position_bias_table", f"{OURS}.attn.relative_position_bias_table"),
    (f"{THEIRS}.ln2.{{p}}", f"{OURS}.norm2.{{p}}"),
    (f"{THEIRS}.ffn.layers.0.0.{{p}}", f"{OURS}.mlp.fc1.{{p}}"),
    (f"{THEIRS}.ffn.layers.1.{{p}}", f"{OURS}.mlp.fc2.{{p}}"),
    ("ln1.{p}", "norm.{p}"),
)
OWN_BIASES: tuple[Row, ...] = tuple((f"{THEIRS}.attn.{name}", f"{OURS}.attn.{name}") for name in ("q_bias", "v_bias"))
PARTS: tuple[Row, ...] = (
    ("ln2.", "norm of the pooled vector (classification)"),
    *((f"neck.{part}", "decoder of pre-training") for part in ("decoder_", "mask_token", "ln1.")),
    *((f"neck.{part}", "projection head of pre-training") for part in ("fc", "bn")),
    ("head.predictor.", "projection head of pre-training"),
    ("head.", "classification head"),
)


class OpenMMLabBEiT(Format):
    """``BEiTViT`` of mmpretrain, ``BEiT`` of mmsegmentation."""

    name = "OpenMMLab BEiT"
    family = "ViT"
    anchor = "patch_embed.projection.weight"
    keys = KEYS + OWN_BIASES
    parts = PARTS

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True where the first block has these names and a bias of its own for queries."""
        return "layers.0.ln1.weight" in shapes and "layers.0.attn.q_bias" in shapes


class OpenMMLabViT(Format):
    """``VisionTransformer``, ``MAEViT`` and ``MoCoV3ViT`` of mmpretrain, ``MAE`` of mmsegmentation."""

    name = "OpenMMLab ViT"
    family = "ViT"
    anchor = "patch_embed.projection.weight"
    keys = KEYS
    splits = (fused_bias(f"{THEIRS}.attn.qkv.bias"),)
    parts = PARTS

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True where the first block has these names and no bias of its own for queries."""
        is_layout = "layers.0.ln1.weight" in shapes and "layers.0.attn.qkv.weight" in shapes
        return is_layout and "layers.0.attn.q_bias" not in shapes
