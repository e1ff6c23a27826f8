"""The attention and the block of a ViT of BEiT's line: biases of query and value only, layer scale, relative positions.

The logits of a query move together under a key bias, and the softmax forgets it: there is none.
"""

from typing import Literal

import torch
from timm.layers.drop import DropPath
from timm.layers.mlp import Mlp
from torch import Tensor, nn
from torch.nn import functional

from .vit_relative import Grid, decomposed_bias, new_table, table_bias
from .window import attend_in_windows

__all__ = ["EPS", "Attention", "RelPos", "ViTBlock"]

EPS = 1e-6  # of every layer norm, as in all public ViTs
RelPos = Literal["shared", "per_block", "decomposed"]


class Attention(nn.Module):
    """Attention among the class token, if any, and the cells of a grid.

    Args:
        dim: Channels.
        num_heads: Heads.
        made_for: Frames, rows and columns that its own tables of relative positions have.
        rel_pos: "per_block": a table of offsets; "decomposed": a vector per row and per column offset; else none.
        class_token: Whether a class token comes first.
    """

    def __init__(self, dim: int, num_heads: int, made_for: Grid, rel_pos: RelPos | None, class_token: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.made_for = made_for
        self.class_token = class_token
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim))
        self.v_bias = nn.Parameter(torch.zeros(dim))
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = None
        self.rel_pos_h = self.rel_pos_w = None
        if rel_pos == "per_block":
            self.relative_position_bias_table = new_table(made_for, num_heads, class_token)
        elif rel_pos == "decomposed":
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * made_for[1] - 1, dim // num_heads))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * made_for[2] - 1, dim // num_heads))

    def forward(self, x: Tensor, size: Grid, bias: Tensor | None) -> Tensor:
        """(B, tokens, C), their grid, and what all blocks add to the logits -> (B, tokens, C)."""
        qkv_bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = functional.linear(x, self.qkv.weight, qkv_bias)
        query, key, value = qkv.unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        bias = self._bias(query, size, bias)
        bias = None if bias is None else bias.to(query.dtype)
        attended = functional.scaled_dot_product_attention(query, key, value, bias)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output

    def _bias(self, query: Tensor, size: Grid, bias: Tensor | None) -> Tensor | None:
        """(1 or B, heads or 1, tokens or 1, tokens), or None."""
        if self.relative_position_bias_table is not None:
            bias = table_bias(self.relative_position_bias_table, self.made_for, size, self.class_token)
        elif self.rel_pos_h is not None and self.rel_pos_w is not None:
            return decomposed_bias(query, self.rel_pos_h, self.rel_pos_w, size[1:])
        return None if bias is None else bias[None]


class ViTBlock(nn.Module):
    """Attention and an MLP, each behind a norm and inside a residual branch, scaled channel by channel if wished.

    Args:
        dim: Channels.
        attention: Of all tokens, or of those in one window.
        mlp_ratio: Hidden channels of the MLP over ``dim``.
        init_values: First value of the layer scale; None: no layer scale.
        drop_path: Probability of skipping a branch, per sample.
        window_size: Side in cells of the windows that the attention stays in; None: it is global. The map is padded
            with zeros to whole windows after the norm, and padded cells are keys like any other, as in ViTDet
            (https://arxiv.org/abs/2203.16527).
    """

    def __init__(
        self,
        dim: int,
        attention: Attention,
        mlp_ratio: float,
        init_values: float | None,
        drop_path: float,
        window_size: int | None,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = attention
        self.drop_path1 = DropPath(drop_path) if drop_path else nn.Identity()
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path2 = DropPath(drop_path) if drop_path else nn.Identity()
        self.gamma_1 = None if init_values is None else nn.Parameter(torch.full((dim,), init_values))
        self.gamma_2 = None if init_values is None else nn.Parameter(torch.full((dim,), init_values))

    def forward(self, x: Tensor, size: Grid, bias: Tensor | None) -> Tensor:
        """(B, tokens, C), their grid, and what all blocks add to the logits -> (B, tokens, C)."""
        x = x + self.drop_path1(_scaled(self._attend(self.norm1(x), size, bias), self.gamma_1))
        output: Tensor = x + self.drop_path2(_scaled(self.mlp(self.norm2(x)), self.gamma_2))
        return output

    def _attend(self, x: Tensor, size: Grid, bias: Tensor | None) -> Tensor:
        if self.window_size is None:
            output: Tensor = self.attn(x, size, bias)
            return output
        window = (1, self.window_size, self.window_size)
        cells = x.unflatten(1, size)
        return attend_in_windows(cells, lambda part, _: self.attn(part, window, bias), window, (0, 0, 0)).flatten(1, 3)


def _scaled(branch: Tensor, gamma: Tensor | None) -> Tensor:
    return branch if gamma is None else gamma * branch
