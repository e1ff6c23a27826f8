"""ResNet as the ``backbone`` of an OpenMMLab model, and with OpenMMLab's stem of three convolutions."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row
from simmim_eval.weights.resnet import ANCHOR, is_resnet_layout
from simmim_eval.weights.resnet import KEYS as PLAIN_KEYS

__all__ = ["OpenMMLabDeepResNet", "OpenMMLabResNet"]

STEM: tuple[Row, ...] = (("stem.7.{bn}", "bn1.{bn}"), ("stem.{step}.{bn}", "conv1.{step}.{bn}"))
PARTS: tuple[Row, ...] = (("head.", "classification head"),)


class OpenMMLabResNet(Format):
    """``ResNet`` of mmdet, mmsegmentation and mmpretrain.

    A model of those libraries around this project's ``ResNet`` gives the same names.
    """

    name = "OpenMMLab ResNet"
    family = "ResNet"
    anchor = ANCHOR
    keys = PLAIN_KEYS
    parts = PARTS

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of torchvision's names inside a model."""
        return is_resnet_layout(shapes) and prefix.endswith("backbone.") and "stem.0.weight" not in shapes


class OpenMMLabDeepResNet(Format):
    """``ResNetV1c`` and ``ResNetV1d``, inside a model or alone: the stem's last norm is ``stem.7``."""

    name = "OpenMMLab ResNet-C or -D"
    family = "ResNet"
    anchor = ANCHOR
    keys = STEM + PLAIN_KEYS
    parts = (*PARTS, ("fc.", "classification head"))

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the names with the stem as ``stem``."""
        return is_resnet_layout(shapes) and "stem.0.weight" in shapes
