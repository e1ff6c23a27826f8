"""ViTDet's simple feature pyramid (https://arxiv.org/abs/2203.16527, section 3): every level from a ViT's last map."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from timm.layers.norm import LayerNorm2d
from torch import Tensor, nn

from simmim_eval.errors import ConfigError
from simmim_eval.registry import MODELS

__all__ = ["SimplePyramid"]

# A norm over the channels of each cell, for the ``norm_cfg`` of mmdet's heads.
MODELS.register_module(module=LayerNorm2d)


@MODELS.register_module()
class SimplePyramid(BaseModule):
    """The maps of 4, 2, 1 and 1/2 times the input's resolution, each by a branch of its own, and a fifth of 1/4.

    A branch resamples the map (transposed convolutions that halve the channels; max pooling), then has a 1x1 and a 3x3
    convolution, each followed by a norm over channels. The fifth level takes every second cell of the fourth.

    .. code-block:: python

        neck = dict(type="simmim_eval.SimplePyramid", in_channels=768, out_channels=256)

    Args:
        in_channels: Channels of the backbone's map; a multiple of 4.
        out_channels: Channels of each level.
    """

    def __init__(self, in_channels: int, out_channels: int = 256) -> None:
        super().__init__()
        if in_channels < 4 or in_channels % 4:
            raise ConfigError(f"model.neck.in_channels is {in_channels}; expected the backbone's, a multiple of 4.")
        half, quarter = in_channels // 2, in_channels // 4
        resampling: tuple[tuple[list[nn.Module], int], ...] = (
            ([_double(in_channels, half), LayerNorm2d(half), nn.GELU(), _double(half, quarter)], quarter),
            ([_double(in_channels, half)], half),
            ([], in_channels),
            ([nn.MaxPool2d(2)], in_channels),
        )
        self.branches = nn.ModuleList(
            nn.Sequential(
                *resample,
                nn.Conv2d(channels, out_channels, 1, bias=False),
                LayerNorm2d(out_channels),
                nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
                LayerNorm2d(out_channels),
            )
            for resample, channels in resampling
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """One map (B, in_channels, H, W) -> five of (B, out_channels, ...), the finest (4 H, 4 W) first.

        Raises:
            ConfigError: The backbone gives another number of maps than one.
        """
        if len(inputs) != 1:
            raise ConfigError(
                f"model.neck: the backbone gives {len(inputs)} maps, a simple pyramid takes the last alone. Leave "
                "model.backbone.out_indices out."
            )
        levels = [branch(inputs[0]) for branch in self.branches]
        return (*levels, levels[-1][..., ::2, ::2])


def _double(in_channels: int, out_channels: int) -> nn.Module:
    return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
