"""SlowOnly (the slow pathway of https://arxiv.org/abs/1812.03982): a ResNet for clips, inflated from one for images.

Every layer of the ResNet takes a third axis; some convolutions, in the late stages, see the frame before and the frame
after, zeros beyond the clip's ends, as in mmaction. Inflated weights have the image's filter in the middle and zeros
around it, so that every frame of any clip starts with the features of its image, at the ends too. (Mmaction's, a third
of the filter in each place, lose a third at the ends.)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from timm.models.resnet import Bottleneck
from torch import Tensor, nn

from ..errors import ConfigError, MaskError
from ..registry import MODELS
from .resnet_design import resolve_design
from .resnet_trunk import ResNetTrunk

__all__ = ["ResNetSlowOnly", "inflate"]

KERNEL_FRAMES = 3


class FramePool(nn.Module):
    """Pooling of every frame by itself: (B, C, T, H, W) -> (B, C, T, H', W')."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Frames are channels to a pool."""
        output: Tensor = self.pool(x.flatten(1, 2)).unflatten(1, x.shape[1:3])
        return output


@MODELS.register_module()
class ResNetSlowOnly(ResNetTrunk):
    """SlowOnly: (B, 3, T, H, W) -> (B, C, T, H', W') of the last stage, bare, as mmaction's heads want it.

    Equal to mmaction's ``ResNet3dSlowOnly``; parameter names are those of :class:`ResNet`.

    .. code-block:: python

        backbone = dict(type="simmim_eval.ResNetSlowOnly", depth=50)

    Args:
        depth: As for :class:`ResNet`, as for all words up to ``style``.
        arch: "nano", "resnet18", ..., or a dict of sizes.
        num_stages: Leave out the stages after these.
        base_channels: Of the first stage.
        stem_channels: Channels that leave the stem.
        strides: In the plane, of each stage's first block. Time has none.
        dilations: In the plane, of each stage.
        contract_dilation: Halve the dilation of each stage's first block.
        deep_stem: Three 3x3 convolutions as stem.
        avg_down: Pool before the projection of a shortcut.
        style: Where a bottleneck strides.
        inflate: 1 for each stage whose blocks see their neighbours in time, else 0; default: 1 for the last two. A
            bottleneck does so in its first convolution (3x1x1), a basic block in both (3x3x3).
        in_chans: Input channels.
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        zero_init_last: Start the last norm of each block at 0.
        decay_rule: Layers for layer-wise decay: "block" or "group", see :mod:`.resnet_layers`.
        frozen_stages: See :class:`Backbone`, as for the next three.
        norm_eval: Keep batch norms in eval mode while training.
        with_cp: Recompute blocks in the backward pass.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        depth: int | None = None,
        arch: str | Mapping[str, Any] | None = None,
        num_stages: int | None = None,
        base_channels: int | None = None,
        stem_channels: int | None = None,
        strides: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        contract_dilation: bool = False,
        deep_stem: bool = False,
        avg_down: bool = False,
        style: str = "pytorch",
        inflate: Sequence[int] | None = None,
        in_chans: int = 3,
        drop_path_rate: float = 0.0,
        zero_init_last: bool = True,
        decay_rule: str = "block",
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        design = resolve_design(
            depth,
            arch,
            num_stages=num_stages,
            base_channels=base_channels,
            stem_channels=stem_channels,
            strides=strides,
            dilations=dilations,
            contract_dilation=contract_dilation,
            deep_stem=deep_stem,
            avg_down=avg_down,
            style=style,
        )
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        last = len(design.layers) - 1
        super().__init__(design, (last,), in_chans, False, drop_path_rate, zero_init_last, decay_rule, **plug)
        self._take_time(_stage_flags(inflate, len(design.layers)))
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, 3, T, H, W) -> (B, C, T, ceil(H / s), ceil(W / s)); clips are never masked."""
        if mask is not None:
            raise MaskError("mask given, but ResNetSlowOnly does not hide parts of a clip. Remove mask, or use ResNet.")
        (output,) = self.stage_outputs(x)
        return output

    def inflate(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of a :class:`ResNet` with this backbone's sizes, or a part of it, for this backbone."""
        return inflate(state, {name: p.shape[2] for name, p in self.named_parameters() if p.dim() == 5})

    def _take_time(self, flags: tuple[int, ...]) -> None:
        """Give every layer the axis of time, and the stages with a flag their view of it."""
        temporal: set[nn.Module] = set()
        for i, flag in enumerate(flags):
            for block in self._stage(i).children():
                if flag:
                    temporal.add(block.get_submodule("conv1"))
                    if not isinstance(block, Bottleneck):
                        temporal.add(block.get_submodule("conv2"))
        for module in list(self.modules()):
            for name, layer in list(module.named_children()):
                setattr(module, name, _for_clips(layer, KERNEL_FRAMES if layer in temporal else 1))


def inflate(state: Mapping[str, Tensor], kernel_frames: Mapping[str, int]) -> dict[str, Tensor]:
    """The state of a :class:`ResNetSlowOnly` that gives every frame of a clip the features of its image.

    Args:
        state: A :class:`ResNet`'s, or a part of it, with timm's names.
        kernel_frames: How many frames each convolution sees, by the name of its weight.
    """
    clip = dict(state)
    for name, frames in kernel_frames.items():
        if name in state:
            image = state[name]
            clip[name] = image.new_zeros(*image.shape[:2], frames, *image.shape[2:])
            clip[name][:, :, frames // 2] = image
    return clip


def _stage_flags(given: Sequence[int] | None, count: int) -> tuple[int, ...]:
    flags = tuple(int(stage >= count - 2) for stage in range(count)) if given is None else tuple(given)
    if len(flags) != count or not set(flags) <= {0, 1}:
        raise ConfigError(f"backbone.inflate is {flags}; expected 0 or 1 for each of the {count} stages.")
    return flags


def _for_clips(layer: nn.Module, frames: int) -> nn.Module:
    """What does to (B, C, T, H, W) as ``layer`` does to each frame; a convolution sees ``frames`` frames."""
    if isinstance(layer, nn.Conv2d):
        return nn.Conv3d(
            layer.in_channels,
            layer.out_channels,
            _with_time(frames, layer.kernel_size),
            _with_time(1, layer.stride),
            _with_time(frames // 2, layer.padding),
            _with_time(1, layer.dilation),
            bias=False,
        )
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm3d(layer.num_features)
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        return FramePool(layer)
    return layer


def _with_time(time: int, plane: Any) -> tuple[int, int, int]:
    height, width = plane
    return time, height, width
