"""This project's own Swin files: timm's names, plus the norms of earlier outputs and the mask token."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row
from simmim_eval.weights.timm_swin import KEYS as TIMM_KEYS
from simmim_eval.weights.timm_swin import has_extras, is_timm_layout

__all__ = ["OwnSwin"]

EXTRA_KEYS: tuple[Row, ...] = (
    ("norm{stage}.{p}", "norm{stage}.{p}"),
    ("mask_token", "mask_token"),
)


class OwnSwin(Format):
    """``Swin`` and ``SwinVideo``, alone or as the ``backbone`` of a model."""

    name = "simmim-eval Swin"
    anchor = "patch_embed.proj.weight"
    keys = TIMM_KEYS + EXTRA_KEYS

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of timm's layout inside a model, or with what timm's Swin never has."""
        return is_timm_layout(shapes) and (has_extras(shapes) or prefix.endswith("backbone."))
