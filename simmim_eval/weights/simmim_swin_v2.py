"""The official SwinV2, of microsoft/Swin-Transformer: supervised, SimMIM's pre-training, fine-tuned.

Patch merging closes a stage. Files released before March 2023 call the position MLP ``rpe_mlp``.
"""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row
from simmim_eval.weights.timm_swin_v2 import KEYS as TIMM_KEYS

__all__ = ["SimMIMSwinV2"]

MLP = "layers.{{stage}}.blocks.{{block}}.attn.{}.{{step}}.{{p}}"
KEYS: tuple[Row, ...] = (
    *((theirs.replace("{next}", "{stage}"), ours) for theirs, ours in TIMM_KEYS),
    (MLP.format("rpe_mlp"), MLP.format("cpb_mlp")),
    ("mask_token", "mask_token"),
)


class SimMIMSwinV2(Format):
    """``SwinTransformerV2`` and ``SwinTransformerV2ForSimMIM``."""

    name = "official SwinV2"
    family = "SwinV2"
    anchor = "patch_embed.proj.weight"
    keys = KEYS
    parts = (
        ("decoder.", "decoder of pre-training"),
        ("head.", "classification head"),
    )

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """A SwinV2 whose first stage ends in patch merging."""
        return (
            "layers.0.blocks.0.attn.logit_scale" in shapes
            and "layers.0.blocks.0.attn.q_bias" in shapes
            and "layers.0.downsample.reduction.weight" in shapes
        )
