"""Swin of mmdet, mmsegmentation and mmpretrain (one naming; SimMIM's pre-training in mmpretrain too).

Three differences beside names: patch merging closes a stage; its input is stacked by ``nn.Unfold``, channel by
channel and inside a channel (0,0) (0,1) (1,0) (1,1), where the official order is position by position,
(0,0) (1,0) (0,1) (1,1); the last norm is ``norm{last}`` like those of the other outputs.
"""

from collections.abc import Mapping

from torch import Size, Tensor

from simmim_eval.weights.format import Format, Row

__all__ = ["OpenMMLabSwin"]

THEIRS = "stages.{stage}.blocks.{block}"
OURS = "layers.{stage}.blocks.{block}"
KEYS: tuple[Row, ...] = (
    ("patch_embed.projection.{p}", "patch_embed.proj.{p}"),
    ("patch_embed.norm.{p}", "patch_embed.norm.{p}"),
    ("stages.{stage}.downsample.norm.{p}", "layers.{next}.downsample.norm.{p}"),
    ("stages.{stage}.downsample.reduction.weight", "layers.{next}.downsample.reduction.weight"),
    (f"{THEIRS}.norm1.{{p}}", f"{OURS}.norm1.{{p}}"),
    (f"{THEIRS}.attn.w_msa.qkv.{{p}}", f"{OURS}.attn.qkv.{{p}}"),
    (f"{THEIRS}.attn.w_msa.proj.{{p}}", f"{OURS}.attn.proj.{{p}}"),
    (f"{THEIRS}.attn.w_msa.relative_position_bias_table", f"{OURS}.attn.relative_position_bias_table"),
    (f"{THEIRS}.norm2.{{p}}", f"{OURS}.norm2.{{p}}"),
    (f"{THEIRS}.ffn.layers.0.0.{{p}}", f"{OURS}.mlp.fc1.{{p}}"),
    (f"{THEIRS}.ffn.layers.1.{{p}}", f"{OURS}.mlp.fc2.{{p}}"),
    ("norm{last}.{p}", "norm.{p}"),
    ("norm{stage}.{p}", "norm{stage}.{p}"),
    ("mask_token", "mask_token"),
)
MERGING = ".downsample."


class OpenMMLabSwin(Format):
    """``SwinTransformer`` of the three libraries, inside a detector, a segmentor or a classifier."""

    name = "OpenMMLab Swin"
    family = "Swin"
    anchor = "patch_embed.projection.weight"
    keys = KEYS
    parts = (
        ("neck.decoder.", "decoder of pre-training"),
        ("head.", "classification head"),
    )

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True where the first block's window attention has these names (a SwinV2 has no table)."""
        return "stages.0.blocks.0.attn.w_msa.relative_position_bias_table" in shapes

    def value_to_ours(self, name: str, value: Tensor) -> Tensor:
        """Reorder the columns of patch merging."""
        return unfold_to_official_order(value) if MERGING in name else value

    def value_from_ours(self, name: str, value: Tensor) -> Tensor:
        """Put the columns of patch merging back."""
        return official_to_unfold_order(value) if MERGING in name else value


def unfold_to_official_order(value: Tensor) -> Tensor:
    """(..., C·4), channel by channel, to (..., 4·C), position by position with rows running fastest."""
    positions: Tensor = value.unflatten(-1, (-1, 2, 2))  # (..., C, row, column)
    return positions.movedim(-3, -1).transpose(-3, -2).flatten(-3)  # (..., column, row, C)


def official_to_unfold_order(value: Tensor) -> Tensor:
    """The inverse of :func:`unfold_to_official_order`."""
    positions: Tensor = value.unflatten(-1, (2, 2, -1))  # (..., column, row, C)
    return positions.transpose(-3, -2).movedim(-1, -3).flatten(-3)  # (..., C, row, column)
