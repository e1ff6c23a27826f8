"""ResNet (https://arxiv.org/abs/1512.03385) with the options of OpenMMLab's, and SimMIM's mask in pixel space."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ..registry import MODELS
from .resnet_design import resolve_design
from .resnet_trunk import ResNetTrunk

__all__ = ["ResNet"]


@MODELS.register_module()
class ResNet(ResNetTrunk):
    """ResNet for images: equal to mmdet's and mmseg's at every option here, and so to torchvision's and timm's.

    .. code-block:: python

        backbone = dict(type="simmim_eval.ResNet", depth=50, out_indices=(0, 1, 2, 3))

    Args:
        depth: 18, 34, 50, 101 or 152; default: 50, unless ``arch`` is given.
        arch: "nano", "resnet18", ..., or a dict of ``layers`` (blocks of each stage), ``block`` ("basic" or
            "bottleneck", the default) and ``base_channels``.
        num_stages: Leave out the stages after these; default: none.
        base_channels: Of the first stage's 3x3 convolutions, doubled from stage to stage; default: the architecture's.
        stem_channels: Channels that leave the stem; default: ``base_channels``.
        strides: Of each stage's first block; default: 1, then 2s.
        dilations: Of each stage; default: 1s.
        contract_dilation: Halve the dilation of each stage's first block (mmseg's dilated ResNets; timm's).
        deep_stem: Three 3x3 convolutions as stem: ResNet-C, mmseg's ``ResNetV1c``.
        avg_down: Pool before the projection of a shortcut; with ``deep_stem``: ResNet-D.
        style: Where a bottleneck strides: "pytorch", in its 3x3 convolution, or "caffe", in its first 1x1.
        in_chans: Input channels.
        out_indices: Stages that give a map; default: all.
        use_mask_token: Make the mask token (pre-training only: an unused parameter stops distributed training).
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        zero_init_last: Start the last norm of each block at 0.
        decay_rule: Layers for layer-wise decay: "block" or "group", see :mod:`.resnet_layers`.
        frozen_stages: See :class:`Backbone`, as for the next three. The stem includes ``bn1``.
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
        in_chans: int = 3,
        out_indices: Sequence[int] | None = None,
        use_mask_token: bool = False,
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
        super().__init__(
            design, out_indices, in_chans, use_mask_token, drop_path_rate, zero_init_last, decay_rule, **plug
        )
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """(B, 3, H, W), mask (B, H, W) bool -> maps (B, C_i, ceil(H / s_i), ceil(W / s_i))."""
        return tuple(self.stage_outputs(self.hide(x, mask)))
