"""ResNet under torchvision's names, which timm and this project have too."""

from collections.abc import Mapping

from torch import Size

from simmim_eval.weights.format import Format, Row

__all__ = ["ANCHOR", "KEYS", "BareResNet", "is_resnet_layout"]

ANCHOR = "layer1.0.conv1.weight"
BLOCK = "layer{stage}.{block}"
KEYS: tuple[Row, ...] = tuple(
    (key, key)
    for key in (
        "conv1.weight",
        "conv1.{step}.{bn}",  # a stem of three convolutions
        "bn1.{bn}",
        f"{BLOCK}.conv{{step}}.weight",
        f"{BLOCK}.bn{{step}}.{{bn}}",
        f"{BLOCK}.downsample.{{step}}.{{bn}}",
        "mask_token",
    )
)


def is_resnet_layout(shapes: Mapping[str, Size]) -> bool:
    """Whether the first block has these names."""
    return ANCHOR in shapes and "layer1.0.bn1.weight" in shapes


class BareResNet(Format):
    """``ResNet`` of torchvision and timm, and this project's own."""

    name = "torchvision or timm ResNet"
    family = "ResNet"
    anchor = ANCHOR
    keys = KEYS
    parts = (("fc.", "classification head"),)

    def claims(self, prefix: str, shapes: Mapping[str, Size]) -> bool:
        """True of the layout outside of a larger model."""
        inside = prefix.endswith(("backbone.", "encoder.", "sp_cnn."))
        return is_resnet_layout(shapes) and "stem.0.weight" not in shapes and not inside
