"""Residual blocks and stages: timm's, under OpenMMLab's options.

Of a block's 3x3 convolutions only the one that may stride is dilated, in both kinds of block, as in mmdet and mmseg.
"""

from collections.abc import Sequence
from typing import Any

from timm.layers.drop import DropPath
from timm.models.resnet import BasicBlock, Bottleneck
from torch import nn

from .resnet_design import ResNetDesign

__all__ = ["CaffeBottleneck", "make_deep_stem", "make_stage"]


class CaffeBottleneck(Bottleneck):
    """A bottleneck that strides in its first 1x1 convolution instead of its 3x3 one."""

    def __init__(self, inplanes: int, planes: int, stride: int = 1, **words: Any) -> None:
        super().__init__(inplanes, planes, **words)
        self.stride = stride
        self.conv1 = nn.Conv2d(inplanes, planes, 1, stride, bias=False)


BLOCKS = {
    ("basic", "pytorch"): BasicBlock,
    ("basic", "caffe"): BasicBlock,  # strides in its first convolution anyhow
    ("bottleneck", "pytorch"): Bottleneck,
    ("bottleneck", "caffe"): CaffeBottleneck,
}


def make_stage(design: ResNetDesign, stage: int, drop_path: Sequence[float]) -> nn.Sequential:
    """The blocks of a stage; the first one strides and projects its shortcut.

    Args:
        design: Sizes and kinds.
        stage: Its number, from 0.
        drop_path: Rate of each block.
    """
    block = BLOCKS[design.block, design.style]
    planes, channels = design.base_channels * 2**stage, design.channels[stage]
    inplanes = design.channels[stage - 1] if stage else design.stem_channels
    stride, dilation = design.strides[stage], design.dilations[stage]
    blocks = []
    for i, rate in enumerate(drop_path):
        words: dict[str, Any] = {"first_dilation": dilation, "drop_path": DropPath(rate) if rate else None}
        if i == 0:
            words["stride"] = stride
            if design.contract_dilation:
                words["first_dilation"] = max(dilation // 2, 1)
            if stride != 1 or inplanes != channels:
                words["downsample"] = _shortcut(inplanes, channels, stride, design.avg_down)
        blocks.append(block(inplanes, planes, **words))
        inplanes = channels
    return nn.Sequential(*blocks)


def make_deep_stem(in_chans: int, channels: int) -> nn.Sequential:
    """Three 3x3 convolutions in place of the one of 7x7 (https://arxiv.org/abs/1812.01187, ResNet-C)."""
    half = channels // 2
    return nn.Sequential(
        nn.Conv2d(in_chans, half, 3, 2, 1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(inplace=True),
        nn.Conv2d(half, half, 3, 1, 1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(inplace=True),
        nn.Conv2d(half, channels, 3, 1, 1, bias=False),
    )


def _shortcut(inplanes: int, channels: int, stride: int, avg_down: bool) -> nn.Sequential:
    """A 1x1 convolution that strides, and its norm; with ``avg_down`` pooling comes first and strides instead."""
    norm = nn.BatchNorm2d(channels)
    if not avg_down:
        return nn.Sequential(nn.Conv2d(inplanes, channels, 1, stride, bias=False), norm)
    pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
    return nn.Sequential(pool, nn.Conv2d(inplanes, channels, 1, bias=False), norm)
