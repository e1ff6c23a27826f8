"""Depth of the backbones of mmdet, mmseg and mmaction2 whose names leave no doubt.

Swin counts as SimMIM does: each block a layer, patch merging with the block before it, output norms with the head.
ResNet counts each block as a layer, the rule "block" of :mod:`simmim_eval.backbones.resnet_layers`. A class is known by
its full name, never by a base: what a subclass adds has no layer.
"""

import re
from collections import Counter
from collections.abc import Iterable

from torch import nn

from simmim_eval.errors import ConfigError

__all__ = ["ForeignBackbone", "is_known"]

SWINS = frozenset(
    {
        "mmdet.models.backbones.swin.SwinTransformer",
        "mmseg.models.backbones.swin.SwinTransformer",
        "mmaction.models.backbones.swin.SwinTransformer3D",
    }
)
RESNETS = frozenset(
    {
        "mmdet.models.backbones.resnet.ResNet",
        "mmdet.models.backbones.resnet.ResNetV1d",
        "mmdet.models.backbones.resnext.ResNeXt",
        "mmseg.models.backbones.resnet.ResNet",
        "mmseg.models.backbones.resnet.ResNetV1c",
        "mmseg.models.backbones.resnet.ResNetV1d",
        "mmseg.models.backbones.resnext.ResNeXt",
        "mmaction.models.backbones.resnet.ResNet",
        "mmaction.models.backbones.resnet3d.ResNet3d",
        "mmaction.models.backbones.resnet3d_slowonly.ResNet3dSlowOnly",
    }
)

SWIN_BLOCK = re.compile(r"(?:stages|layers)\.(\d+)\.blocks\.(\d+)\.")
SWIN_MERGING = re.compile(r"(?:stages|layers)\.(\d+)\.downsample\.")
SWIN_STEM = re.compile(r"patch_embed\.")
# SimMIM's code finds no layer for the position table, which leaves it with the head.
SWIN_REST = re.compile(r"norm\d\.|absolute_pos_embed$")
SWIN_EXEMPT = re.compile(r"(?:.*\.relative_position_bias_table|absolute_pos_embed)$")
RESNET_BLOCK = re.compile(r"layer(\d+)\.(\d+)\.")
RESNET_STEM = re.compile(r"(?:stem|conv1|bn1|norm1|gn1)\.")


def is_known(module: nn.Module) -> bool:
    """Whether the class of ``module`` is one of those above."""
    return _full_name(module) in SWINS | RESNETS


class ForeignBackbone:
    """What :class:`simmim_eval.backbones.Backbone` says of its depth, said of a module for which :func:`is_known`.

    Attributes:
        num_layers: The stem, the blocks and, last, the head.
    """

    def __init__(self, module: nn.Module) -> None:
        self.kind = _full_name(module)
        self.names = [name for name, _ in module.named_parameters()]
        self.is_swin = self.kind in SWINS
        self.first_blocks = _first_blocks(SWIN_BLOCK if self.is_swin else RESNET_BLOCK, self.names)
        self.num_layers = max(self.first_blocks.values()) + 1

    def layer_id(self, name: str) -> int:
        """Layer of a parameter; one that the rule does not know is a :class:`ConfigError`."""
        block = (SWIN_BLOCK if self.is_swin else RESNET_BLOCK).match(name)
        if block:
            return self.first_blocks[int(block[1])] + int(block[2])
        if (SWIN_STEM if self.is_swin else RESNET_STEM).match(name):
            return 0
        if self.is_swin and (merging := SWIN_MERGING.match(name)):
            return self.first_blocks[int(merging[1]) + 1] - 1
        if self.is_swin and SWIN_REST.match(name):
            return self.num_layers - 1
        raise ConfigError(
            f"{self.kind} has the parameter {name!r}, whose depth is not known. Use a backbone of simmim_eval, or "
            "another optim_wrapper.constructor."
        )

    def no_weight_decay(self) -> set[str]:
        """Position tables."""
        return {name for name in self.names if self.is_swin and SWIN_EXEMPT.match(name)}


def _first_blocks(pattern: re.Pattern[str], names: Iterable[str]) -> dict[int, int]:
    """Layer of the first block of each stage, by the stage's number; also of the one that would follow the last."""
    blocks = {(int(match[1]), int(match[2])) for name in names if (match := pattern.match(name))}
    counts = Counter(stage for stage, _ in blocks)
    first, layer = {}, 1
    for stage in sorted(counts):
        first[stage] = layer
        layer += counts[stage]
    return first | {max(counts) + 1: layer}


def _full_name(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"
