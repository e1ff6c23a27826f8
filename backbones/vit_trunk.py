"""What ViTs for images and for clips share: tokens, positions, blocks, layers, freezing and initialisation."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from timm.layers.weight_init import trunc_normal_
from torch import Tensor, nn

from ..errors import ConfigError
from .base import Backbone, check_out_indices
from .vit_arch import ViTArch
from .vit_attention import EPS, Attention, RelPos, ViTBlock
from .vit_relative import Grid, RelativePositionBias, class_weight
from .vit_resampling import resample

__all__ = ["ViTTrunk"]

INIT_STD = 0.02
STEM = ("patch_embed", "cls_token", "mask_token", "pos_embed", "time_embed")


class ViTTrunk(Backbone):
    """Blocks over the patches of an image or a clip, which is a grid of (frames, rows, columns).

    A subclass adds ``patch_embed``, then calls :meth:`build_tokens`, :meth:`build_blocks` and :meth:`complete`.

    Args:
        arch: Sizes.
        patch_size: Side of a patch, in pixels.
        grid: Patches that the position tables are made for; other grids resample the tables.
        out_indices: Blocks that give a map; None: the last.
        class_token: Put a class token before the patches. It takes part in the attention and is in no map.
        plug: The arguments of :class:`Backbone`.
    """

    patch_embed: nn.Module
    cls_token: nn.Parameter | None
    mask_token: nn.Parameter | None
    pos_embed: nn.Parameter | None
    time_embed: nn.Parameter | None
    rel_pos_bias: RelativePositionBias | None

    def __init__(
        self,
        arch: ViTArch,
        patch_size: int,
        grid: Grid,
        out_indices: Sequence[int] | None,
        class_token: bool,
        **plug: Any,
    ) -> None:
        super().__init__(**plug)
        self.arch = arch
        self.grid = grid
        self.num_stages = arch.depth
        self.num_layers = arch.depth + 2
        self.mask_stride = patch_size
        self.out_indices = check_out_indices((arch.depth - 1,) if out_indices is None else out_indices, arch.depth)
        self.channels = (arch.embed_dim,) * len(self.out_indices)
        self.feature_strides = (patch_size,) * len(self.out_indices)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, arch.embed_dim)) if class_token else None

    def build_tokens(self, abs_pos: bool, use_mask_token: bool = False) -> None:
        """Make what is added to the patches before the blocks; a clip's positions in time are apart from the plane's.

        Args:
            abs_pos: Add learned absolute positions.
            use_mask_token: Make the mask token.
        """
        dim, (frames, rows, columns) = self.arch.embed_dim, self.grid
        entries = rows * columns + (self.cls_token is not None)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, dim)) if use_mask_token else None
        self.pos_embed = nn.Parameter(torch.zeros(1, entries, dim)) if abs_pos else None
        self.time_embed = nn.Parameter(torch.zeros(1, frames, dim)) if abs_pos and frames > 1 else None

    def build_blocks(
        self,
        rel_pos: RelPos | None,
        init_values: float | None,
        drop_path_rate: float,
        final_norm: bool,
        window_size: int | None = None,
        global_blocks: Sequence[int] = (),
    ) -> None:
        """Make the blocks, the table that they share, and the norm of the last block's map.

        Args:
            rel_pos: Kind of relative positions.
            init_values: First value of the layer scale, or None.
            drop_path_rate: Of the last block; rises linearly from 0 at the first.
            final_norm: Put a norm on the last block's map.
            window_size: Side in cells of the windows of all blocks but ``global_blocks``; None: all are global.
            global_blocks: Blocks without windows.
        """
        if not 0 <= drop_path_rate < 1:
            raise ConfigError(f"backbone.drop_path_rate is {drop_path_rate}; expected at least 0 and less than 1.")
        if init_values is not None and init_values <= 0:
            raise ConfigError(f"backbone.init_values is {init_values}; expected a number above 0, or None.")
        self.init_values = init_values
        arch, class_token = self.arch, self.cls_token is not None
        shared = rel_pos == "shared"
        self.rel_pos_bias = RelativePositionBias(self.grid, arch.num_heads, class_token) if shared else None
        blocks = []
        for i in range(arch.depth):
            side = None if i in global_blocks else window_size
            made_for = self.grid if side is None else (1, side, side)
            attention = Attention(arch.embed_dim, arch.num_heads, made_for, rel_pos, class_token)
            drop_path = drop_path_rate * i / max(arch.depth - 1, 1)
            blocks.append(ViTBlock(arch.embed_dim, attention, arch.mlp_ratio, init_values, drop_path, side))
        self.blocks = nn.ModuleList(blocks)
        if final_norm and self.out_indices[-1] == arch.depth - 1:
            self.norm = nn.LayerNorm(arch.embed_dim, eps=EPS)

    def block_outputs(self, cells: Tensor) -> Iterator[Tensor]:
        """(B, T, H, W, C) after the stem -> the map of each output block, in the same form."""
        size: Grid = (cells.shape[1], cells.shape[2], cells.shape[3])
        x = self._with_positions(cells, size)
        bias = self._common_bias(size, x)
        for i in range(self.out_indices[-1] + 1):
            x = self.run(self.blocks[i], x, size, bias)
            if i in self.out_indices:
                patches = x if self.cls_token is None else x[:, 1:]
                normed = hasattr(self, "norm") and i == self.arch.depth - 1
                yield (self.norm(patches) if normed else patches).unflatten(1, size)

    def reset_parameters(self) -> None:
        """Weights, tokens and absolute positions from N(0, 0.02); biases and relative positions 0.

        As SimMIM's code does: cut at one standard deviation in pre-training (where there is a mask token) and not cut
        otherwise; the layers that end the branches of block i, from 1, over the root of 2i.
        """
        cut = 2.0 if self.mask_token is None else INIT_STD
        draw = partial(trunc_normal_, std=INIT_STD, a=-cut, b=cut)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d):
                draw(module.weight)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            leaf = name.rpartition(".")[2]
            if leaf in ("cls_token", "mask_token", "pos_embed"):
                draw(parameter)
            elif leaf.startswith("gamma"):
                nn.init.constant_(parameter, self.init_values or 0.0)
            elif leaf != "weight":
                nn.init.zeros_(parameter)
        with torch.no_grad():
            for i in range(self.arch.depth):
                for name in ("attn.proj", "mlp.fc2"):
                    self.get_parameter(f"blocks.{i}.{name}.weight").div_(math.sqrt(2 * (i + 1)))

    def no_weight_decay(self) -> set[str]:
        """The class token and absolute positions; not the mask token, nor tables of relative positions."""
        exempt = ("cls_token", "pos_embed", "time_embed")
        return {name for name, _ in self.named_parameters() if name in exempt}

    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        """The stem with its tokens and positions, the first ``stages`` blocks; with the last block, all there is."""
        parts: list[nn.Module | nn.Parameter] = [self.patch_embed, *self.blocks[:stages]]
        tokens = (self.cls_token, self.mask_token, self.pos_embed, self.time_embed)
        parts += [parameter for parameter in tokens if parameter is not None]
        if stages == self.num_stages:
            parts += [module for name, module in self.named_children() if name in ("norm", "rel_pos_bias")]
        return parts

    def _layer_of(self, name: str) -> int:
        part, *rest = name.split(".")
        if part in STEM:
            return 0
        return int(rest[0]) + 1 if part == "blocks" else self.num_layers - 1

    def _with_positions(self, cells: Tensor, size: Grid) -> Tensor:
        """(B, T, H, W, C) -> (B, tokens, C), the class token first, absolute positions added."""
        first: Tensor | None = self.cls_token
        if self.pos_embed is not None:
            count = 0 if first is None else 1
            plane = self.pos_embed[0, count:].unflatten(0, self.grid[1:])
            cells = cells + resample(plane, "bicubic", {0: size[1], 1: size[2]})
            first = None if first is None else first + self.pos_embed[:, :1]
        if self.time_embed is not None:
            cells = cells + resample(self.time_embed[0], "linear", {0: size[0]})[:, None, None]
        patches = cells.flatten(1, 3)
        return patches if first is None else torch.cat([first.to(patches).expand(len(patches), -1, -1), patches], 1)

    def _common_bias(self, size: Grid, x: Tensor) -> Tensor | None:
        """(heads or 1, tokens or 1, tokens), what all blocks add to their logits, or None."""
        if self.rel_pos_bias is not None:
            bias: Tensor = self.rel_pos_bias(size)
            return bias
        return None if self.cls_token is None else class_weight(size, x)
