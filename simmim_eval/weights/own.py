"""This project's own files: the names of the families, plus what only this project adds."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row
from simmim_eval.weights.timm_beit import KEYS as BEIT_KEYS
from simmim_eval.weights.timm_beit import has_official_marks, is_beit_layout
from simmim_eval.weights.timm_swin import KEYS as SWIN_KEYS
from simmim_eval.weights.timm_swin import has_extras, is_timm_layout
from simmim_eval.weights.timm_swin_v2 import KEYS as SWIN_V2_KEYS
from simmim_eval.weights.timm_swin_v2 import is_timm_v2_layout

__all__ = ["OwnSwin", "OwnSwinV2", "OwnViT"]

EXTRA_KEYS: tuple[Row, ...] = (
    ("norm{stage}.{p}", "norm{stage}.{p}"),
    ("mask_token", "mask_token"),
)
DECOMPOSED: tuple[Row, ...] = tuple((f"blocks.{{block}}.attn.rel_pos_{side}",) * 2 for side in "hw")


class OwnSwin(Format):
    """``Swin`` and ``SwinVideo``, alone or as the ``backbone`` of a model."""

    name = "simmim-eval Swin"
    family = "Swin"
    anchor = "patch_embed.proj.weight"
    keys = SWIN_KEYS + EXTRA_KEYS

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of timm's layout inside a model, or with what timm's Swin never has."""
        return is_timm_layout(shapes) and (has_extras(shapes) or prefix.endswith("backbone."))


class OwnSwinV2(Format):
    """``SwinV2``, alone or as the ``backbone`` of a model."""

    name = "simmim-eval SwinV2"
    family = "SwinV2"
    anchor = "patch_embed.proj.weight"
    keys = SWIN_V2_KEYS + EXTRA_KEYS

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of timm's layout inside a model, or with what timm's SwinV2 never has."""
        return is_timm_v2_layout(shapes) and (has_extras(shapes) or prefix.endswith("backbone."))


class OwnViT(Format):
    """``ViT`` and ``ViTVideo``, alone or as the ``backbone`` of a model."""

    name = "simmim-eval ViT"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = BEIT_KEYS + DECOMPOSED

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of timm's Beit inside a model, or with a mask token; a bare one without is timm's."""
        return (
            is_beit_layout(shapes)
            and not has_official_marks(prefix, shapes)
            and (prefix.endswith("backbone.") or "mask_token" in shapes)
        )
