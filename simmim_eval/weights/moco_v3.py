"""MoCo v3 in pre-training: ``base_encoder`` beside its momentum copy and a predictor, saved through DDP."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format
from simmim_eval.weights.resnet import ANCHOR, is_resnet_layout
from simmim_eval.weights.resnet import KEYS as RESNET_KEYS
from simmim_eval.weights.timm_vit import FUSED_BIAS, is_vit_layout
from simmim_eval.weights.timm_vit import KEYS as VIT_KEYS

__all__ = ["MoCoResNet", "MoCoViT"]

ENCODER = "base_encoder."
PREDICTOR = ("predictor.", "predictor of pre-training")


class MoCoViT(Format):
    """``MoCo_ViT(VisionTransformerMoCo)`` of facebookresearch/moco-v3."""

    name = "MoCo v3 ViT"
    family = "ViT"
    anchor = "patch_embed.proj.weight"
    keys = VIT_KEYS
    splits = (FUSED_BIAS,)
    parts = (("head.", "projection head of pre-training"), PREDICTOR)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of timm's ViT as the base encoder."""
        return is_vit_layout(shapes) and "mask_token" not in shapes and prefix.endswith(ENCODER)


class MoCoResNet(Format):
    """``MoCo_ResNet(torchvision ResNet)`` of facebookresearch/moco-v3."""

    name = "MoCo v3 ResNet"
    family = "ResNet"
    anchor = ANCHOR
    keys = RESNET_KEYS
    parts = (("fc.", "projection head of pre-training"), PREDICTOR)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of torchvision's ResNet as the base encoder."""
        return is_resnet_layout(shapes) and prefix.endswith(ENCODER)
