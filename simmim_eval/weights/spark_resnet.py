"""SparK in pre-training: a timm ResNet as ``sparse_encoder.sp_cnn`` beside a decoder."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format
from simmim_eval.weights.resnet import ANCHOR, KEYS, is_resnet_layout

__all__ = ["SparKResNet"]

DECODER = ("dense_decoder.", "densify_norms.", "densify_projs.", "mask_tokens.", "imn_m", "imn_s", "norm_black")


class SparKResNet(Format):
    """``SparK(SparseEncoder(ResNet))`` of keyu-tian/SparK; what it exports in timm's style is timm's."""

    name = "SparK ResNet"
    family = "ResNet"
    anchor = ANCHOR
    keys = KEYS
    parts = tuple((part, "decoder and tokens of pre-training") for part in DECODER)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of timm's names in the sparse encoder."""
        return is_resnet_layout(shapes) and prefix.endswith("sp_cnn.")
