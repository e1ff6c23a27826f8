"""What all Swins share, for images and for clips: sizes, block, stage, and the trunk that makes a backbone of them.

Swin Transformer, section 3 (https://arxiv.org/abs/2103.14030), with timm's parameter names: patch merging opens a
stage, as ``layers.i.downsample``. The block is our own, because timm's rolls before it pads (see :mod:`.window`).
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from timm.layers.drop import DropPath
from timm.layers.mlp import Mlp
from timm.layers.weight_init import trunc_normal_
from torch import Tensor, nn

from ..errors import ConfigError
from .base import Backbone, check_out_indices
from .window import attend_in_windows

__all__ = ["SwinArch", "SwinBlock", "SwinStage", "SwinTrunk"]

INIT_STD = 0.02


@dataclass(frozen=True)
class SwinArch:
    """Sizes of a Swin in timm's words; ``window_size`` is in cells, one for all stages or one per stage."""

    embed_dim: int
    depths: tuple[int, ...]
    num_heads: tuple[int, ...]
    window_size: int | tuple[int, ...] = 7
    mlp_ratio: float = 4.0
    patch_size: int = 4

    @property
    def dims(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.embed_dim * 2**i for i in range(len(self.depths)))

    @property
    def windows(self) -> tuple[int, ...]:
        """Window side of each stage."""
        size = self.window_size
        return (size,) * len(self.depths) if isinstance(size, int) else size


class SwinBlock(nn.Module):
    """Window attention and an MLP, each behind a norm and inside a residual branch.

    Args:
        dim: Channels.
        attention: Attention inside one window.
        window: Window side on each axis.
        shift: Roll on each axis.
        mlp_ratio: Hidden channels of the MLP over ``dim``.
        drop_path: Probability of skipping a branch, per sample.
    """

    def __init__(
        self,
        dim: int,
        attention: nn.Module,
        window: tuple[int, ...],
        shift: tuple[int, ...],
        mlp_ratio: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.window = window
        self.shift = shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = attention
        self.drop_path1 = DropPath(drop_path) if drop_path else nn.Identity()
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path2 = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, *size, C) -> (B, *size, C)."""
        x = x + self.drop_path1(self.attend(self.norm1(x)))
        output: Tensor = x + self.drop_path2(self.mlp(self.norm2(x)))
        return output

    def attend(self, x: Tensor) -> Tensor:
        """(B, *size, C) -> (B, *size, C)."""
        return attend_in_windows(x, self.attn, self.window, self.shift)


class SwinStage(nn.Module):
    """Patch merging, from the second stage on, then blocks."""

    def __init__(self, downsample: nn.Module, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, run: Callable[[nn.Module, Tensor], Tensor]) -> Tensor:
        """(B, *size, C) -> the stage's map, channels last; ``run`` applies a block."""
        x = self.downsample(x)
        for block in self.blocks:
            x = run(block, x)
        return x


class SwinTrunk(Backbone):
    """Stages, layers, freezing and initialisation of a Swin; a subclass adds ``patch_embed`` and the kind of block."""

    patch_embed: nn.Module
    layers: nn.ModuleList
    mask_token: nn.Parameter | None

    def __init__(self, arch: SwinArch, out_indices: Sequence[int] | None, **plug: Any) -> None:
        super().__init__(**plug)
        self.arch = arch
        self.num_stages = len(arch.depths)
        self.num_layers = sum(arch.depths) + 2
        self.mask_stride = arch.patch_size
        self.out_indices = check_out_indices(out_indices, self.num_stages)
        self.channels = tuple(arch.dims[i] for i in self.out_indices)
        self.feature_strides = tuple(arch.patch_size * 2**i for i in self.out_indices)
        self.register_parameter("mask_token", None)

    @property
    def windows(self) -> tuple[int, ...]:
        """Window side of each stage, in cells, before the rule of a fixed input size shrinks it."""
        return self.arch.windows

    @abstractmethod
    def _block(self, stage: int, shifted: bool, drop_path: float) -> SwinBlock:
        """A block of a stage."""

    @abstractmethod
    def _merging(self, dim: int) -> nn.Module:
        """Patch merging, from ``dim`` channels to twice as many."""

    def build_layers(self, drop_path_rate: float) -> None:
        """Make the stages and the output norms: ``norm`` after the last stage, ``norm0``, ``norm1``, ... after others.

        Args:
            drop_path_rate: Of the last block; rises linearly from 0 at the first.
        """
        if not 0 <= drop_path_rate < 1:
            raise ConfigError(f"backbone.drop_path_rate is {drop_path_rate}; expected at least 0 and less than 1.")
        last = max(sum(self.arch.depths) - 1, 1)
        stages = []
        for i, depth in enumerate(self.arch.depths):
            first = sum(self.arch.depths[:i])
            rates = [drop_path_rate * (first + b) / last for b in range(depth)]
            downsample = self._merging(self.arch.dims[i - 1]) if i else nn.Identity()
            stages.append(SwinStage(downsample, [self._block(i, b % 2 == 1, rate) for b, rate in enumerate(rates)]))
        self.layers = nn.ModuleList(stages)
        for i, dim in zip(self.out_indices, self.channels, strict=True):
            self.add_module(self._norm_name(i), nn.LayerNorm(dim))

    def stage_outputs(self, x: Tensor) -> Iterator[Tensor]:
        """(B, *size, C) after the stem -> the normed map of each output stage, channels last."""
        for i in range(self.out_indices[-1] + 1):
            x = self.layers[i](x, self.run)
            if i in self.out_indices:
                yield getattr(self, self._norm_name(i))(x)

    def reset_parameters(self) -> None:
        """Linear weights, tables and the mask token from N(0, 0.02), biases 0; the patch convolution as PyTorch's."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=INIT_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm | nn.Conv2d | nn.Conv3d):
                module.reset_parameters()
        for name in sorted(self._tokens_and_tables()):
            trunc_normal_(self.get_parameter(name), std=INIT_STD)

    def no_weight_decay(self) -> set[str]:
        """The relative-position tables and the mask token."""
        return self._tokens_and_tables()

    def _tokens_and_tables(self) -> set[str]:
        names = (name for name, _ in self.named_parameters())
        return {name for name in names if name == "mask_token" or name.endswith("relative_position_bias_table")}

    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        """The stem, the first ``stages`` stages with their output norms, and the merging that ends the last of them."""
        parts: list[nn.Module | nn.Parameter] = [self.patch_embed]
        if self.mask_token is not None:
            parts.append(self.mask_token)
        for i in range(stages):
            parts.append(self.layers[i])
            if i in self.out_indices:
                parts.append(self.get_submodule(self._norm_name(i)))
        if 0 < stages < self.num_stages:
            parts.append(self.layers[stages].get_submodule("downsample"))
        return parts

    def _layer_of(self, name: str) -> int:
        part, *rest = name.split(".")
        if part in ("mask_token", "patch_embed"):
            return 0
        if part != "layers":
            return self.num_layers - 1
        before = sum(self.arch.depths[: int(rest[0])])
        # SimMIM merges at the end of a stage, so its merging has the layer of that stage's last block.
        return before if rest[1] == "downsample" else before + int(rest[2]) + 1

    def _norm_name(self, stage: int) -> str:
        return "norm" if stage == self.num_stages - 1 else f"norm{stage}"
