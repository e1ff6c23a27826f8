"""mmaction2's Video Swin: the official names and order of patch merging; the last norm is ``norm{last}``."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row
from simmim_eval.weights.simmim_swin import KEYS as OFFICIAL_KEYS

__all__ = ["MMActionSwin"]

NORMS: tuple[Row, ...] = (
    ("norm{last}.{p}", "norm.{p}"),
    ("norm{stage}.{p}", "norm{stage}.{p}"),
)


class MMActionSwin(Format):
    """``SwinTransformer3D``, inside a recogniser."""

    name = "mmaction2 Video Swin"
    family = "Swin"
    anchor = "patch_embed.proj.weight"
    keys = tuple(row for row in OFFICIAL_KEYS if row[1] not in ("norm.{p}", "mask_token")) + NORMS
    parts = (("cls_head.", "classification head"),)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """A 3D Swin whose first stage ends in patch merging."""
        return (
            "layers.0.blocks.0.attn.relative_position_bias_table" in shapes
            and "layers.0.downsample.reduction.weight" in shapes
            and len(shapes[self.anchor]) == 5
        )
