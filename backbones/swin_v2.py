"""Swin Transformer V2 (https://arxiv.org/abs/2111.09883): a Swin that stays stable when it grows in size and window.

Sections 3.2 and 3.3: norms behind the branches, cosine attention, and position biases that a small network computes
from log-spaced offsets, so that weights move to another window as they are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from timm.models.swin_transformer_v2 import PatchMerging, WindowAttention
from torch import Tensor, nn

from ..errors import ConfigError
from ..registry import MODELS
from .swin import ImageSwin, read_arch
from .swin_trunk import SwinArch, SwinBlock

__all__ = ["ARCHITECTURES", "SwinV2", "SwinV2Arch"]

LARGEST_SCALE = 100.0  # of a logit over the cosine
LARGEST_BIAS = 16.0
FIRST_SCALE = 10.0  # of a logit, before training


@dataclass(frozen=True)
class SwinV2Arch(SwinArch):
    """Sizes of a SwinV2 in timm's words.

    ``extra_norm_period`` n puts one more norm on the main branch after every n-th block of a stage; 0: none.
    """

    window_size: int | tuple[int, ...] = 8
    extra_norm_period: int = 0


class CosineAttention(WindowAttention):
    """Attention inside one window by the angle between queries and keys.

    timm's parameters and coordinates, but a key of length 0, which is what a padded cell has, gets a finite gradient:
    ``functional.normalize`` multiplies it by 1e12, and in half precision turns it into NaN.
    """

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B * windows, cells, C), mask (windows, cells, cells) or None -> (B * windows, cells, C)."""
        count, cells, dim = x.shape
        bias = torch.cat((self.q_bias, torch.zeros_like(self.q_bias), self.v_bias))
        qkv = nn.functional.linear(x, self.qkv.weight, bias)
        query, key, value = qkv.view(count, cells, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        scale = self.logit_scale.clamp(max=math.log(LARGEST_SCALE)).exp()
        logits = unit(query) @ unit(key).transpose(-2, -1) * scale + self.position_bias()
        if mask is not None:
            logits = (logits.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        output: Tensor = self.proj((logits.softmax(-1) @ value).transpose(1, 2).reshape(count, cells, dim))
        return output

    def position_bias(self) -> Tensor:
        """(heads, cells, cells), from 0 to 16: what the relative position of two cells adds to their logit."""
        table = LARGEST_BIAS * self.cpb_mlp(self.relative_coords_table).sigmoid().flatten(0, 2)
        return table[self.relative_position_index].permute(2, 0, 1)


def unit(x: Tensor) -> Tensor:
    """Vectors (..., C) of length 1, in the type of ``x``; those of length 0 stay."""
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
    return (x / length.masked_fill(length == 0, 1)).to(x.dtype)


class SwinV2Block(SwinBlock):
    """A block whose norms close its branches; ``norm3``, where there is one, is on the main branch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.norm3: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, H', W', C) -> (B, H', W', C)."""
        x = x + self.drop_path1(self.norm1(self.attend(x)))
        output: Tensor = self.norm3(x + self.drop_path2(self.norm2(self.mlp(x))))
        return output


@MODELS.register_module()
class SwinV2(ImageSwin):
    """SwinV2 for images.

    With ``img_size`` equal to SimMIM's SwinV2, and to timm's wherever the window divides the map (:class:`ImageSwin`
    has the two rules). A fresh block is the identity: the norms of its branches start at 0.

    .. code-block:: python

        # pre-trained at 192 pixels with windows of 12 cells, 6 in the last stage; fine-tuned at 224 with 14
        backbone = dict(
            type="simmim_eval.SwinV2",
            arch="base",
            img_size=224,
            window_size=14,
            pretrained_window_sizes=(12, 12, 12, 6),
        )

    Args:
        arch: "nano", "tiny", "small", "base", "large", "huge", "giant", or a dict in timm's words (see
            :class:`SwinV2Arch`).
        img_size: Side, or (height, width), in pixels: the official rule; or None: OpenMMLab's.
        window_size: In cells, for all stages or one per stage; default: the architecture's.
        pretrained_window_sizes: Window of the pre-training, as it was after shrinking, for all stages or one per
            stage; 0 or None: the present one. It scales the offsets of which biases are computed, nothing else.
        in_chans: Input channels.
        out_indices: Stages that give a map; default: all.
        use_mask_token: Make the mask token (pre-training only: an unused parameter stops distributed training).
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        frozen_stages: See :class:`Backbone`, as for the next three.
        norm_eval: No effect here: SwinV2 has no batch norm.
        with_cp: Recompute blocks in the backward pass.
        init_cfg: Initialisation.
    """

    arch: SwinV2Arch

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "tiny",
        img_size: int | Sequence[int] | None = None,
        window_size: int | Sequence[int] | None = None,
        pretrained_window_sizes: int | Sequence[int] | None = None,
        in_chans: int = 3,
        out_indices: Sequence[int] | None = None,
        use_mask_token: bool = False,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        sizes = read_arch(SwinV2Arch, ARCHITECTURES, arch, window_size)
        super().__init__(sizes, img_size, in_chans, out_indices, use_mask_token, **plug)
        self.pretrained_windows = _pretrained_windows(pretrained_window_sizes, self.num_stages)
        self.build_layers(drop_path_rate)
        self.complete()

    def build_layers(self, drop_path_rate: float) -> None:
        """Make stages and output norms, then the extra norms."""
        super().build_layers(drop_path_rate)
        for stage, dim in enumerate(self.arch.dims):
            for index in _extra_norms(self.arch, stage):
                self.get_submodule(f"layers.{stage}.blocks.{index}").add_module("norm3", nn.LayerNorm(dim))

    def reset_parameters(self) -> None:
        """As Swin's, but a branch's norm starts at 0, and a logit at 10 times the cosine."""
        super().reset_parameters()
        for module in self.modules():
            if isinstance(module, SwinV2Block):
                for norm in (module.norm1, module.norm2):
                    nn.init.zeros_(norm.weight)
            elif isinstance(module, CosineAttention):
                nn.init.constant_(module.logit_scale, math.log(FIRST_SCALE))
                nn.init.zeros_(module.q_bias)
                nn.init.zeros_(module.v_bias)

    def no_weight_decay(self) -> set[str]:
        """The networks of the position biases, the scales of the logits, and the mask token."""
        names = (name for name, _ in self.named_parameters())
        own = {name for name in names if ".cpb_mlp." in name or name.endswith(".logit_scale")}
        return super().no_weight_decay() | own

    def _block(self, stage: int, shifted: bool, drop_path: float) -> SwinBlock:
        dim = self.arch.dims[stage]
        window, shift = self._window(stage)
        before = self.pretrained_windows[stage]
        attention = CosineAttention(dim, window, self.arch.num_heads[stage], pretrained_window_size=(before, before))
        return SwinV2Block(dim, attention, window, shift if shifted else (0, 0), self.arch.mlp_ratio, drop_path)

    def _merging(self, dim: int) -> nn.Module:
        merging: nn.Module = PatchMerging(dim)
        return merging


def _extra_norms(arch: SwinV2Arch, stage: int) -> range:
    """The blocks of a stage that an extra norm follows."""
    period = arch.extra_norm_period
    if not isinstance(period, int) or period < 0:
        raise ConfigError(
            f"backbone.arch: extra_norm_period is {period!r}; expected a number of blocks, 0 for no extra norms."
        )
    return range(period - 1, arch.depths[stage], period) if period else range(0)


def _pretrained_windows(sizes: int | Sequence[int] | None, stages: int) -> tuple[int, ...]:
    windows = (sizes or 0,) * stages if sizes is None or isinstance(sizes, int) else tuple(sizes)
    if len(windows) != stages or not all(isinstance(window, int) and window >= 0 for window in windows):
        raise ConfigError(
            f"backbone.pretrained_window_sizes is {sizes}; expected cells, one number or one per stage ({stages}), "
            "or None: the present windows."
        )
    return windows


# Paper, section 4.1; 8 cells is the window of its models for 256 pixels. Sources differ about the heads of huge (here
# 32 channels each, as in all others) and leave open whether extra norms are counted anew in each stage (here they are).
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "nano": {"embed_dim": 32, "depths": (1, 1, 2), "num_heads": (1, 2, 4), "window_size": (6, 6, 3)},
    "tiny": {"embed_dim": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24)},
    "small": {"embed_dim": 96, "depths": (2, 2, 18, 2), "num_heads": (3, 6, 12, 24)},
    "base": {"embed_dim": 128, "depths": (2, 2, 18, 2), "num_heads": (4, 8, 16, 32)},
    "large": {"embed_dim": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48)},
    "huge": {"embed_dim": 352, "depths": (2, 2, 18, 2), "num_heads": (11, 22, 44, 88), "extra_norm_period": 6},
    "giant": {"embed_dim": 512, "depths": (2, 2, 42, 4), "num_heads": (16, 32, 64, 128), "extra_norm_period": 6},
}
