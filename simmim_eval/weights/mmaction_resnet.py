"""ResNet of mmaction2, for images and for clips: a convolution and its norm sit together in one module."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row

__all__ = ["MMActionResNet"]

BLOCK = "layer{stage}.{block}"
KEYS: tuple[Row, ...] = (
    ("conv1.conv.weight", "conv1.weight"),
    ("conv1.bn.{bn}", "bn1.{bn}"),
    (f"{BLOCK}.conv{{step}}.conv.weight", f"{BLOCK}.conv{{step}}.weight"),
    (f"{BLOCK}.conv{{step}}.bn.{{bn}}", f"{BLOCK}.bn{{step}}.{{bn}}"),
    (f"{BLOCK}.downsample.conv.weight", f"{BLOCK}.downsample.0.weight"),
    (f"{BLOCK}.downsample.bn.{{bn}}", f"{BLOCK}.downsample.1.{{bn}}"),
)


class MMActionResNet(Format):
    """``ResNet`` and ``ResNet3dSlowOnly``, inside a recogniser."""

    name = "mmaction2 ResNet"
    family = "ResNet"
    anchor = "layer1.0.conv1.conv.weight"
    keys = KEYS
    parts = (("cls_head.", "classification head"),)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of every file with the first block's names."""
        return "layer1.0.conv1.bn.weight" in shapes
