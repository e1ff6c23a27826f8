"""Relative positions in attention: BEiT's table and ViTDet's decomposed form.

A place is (frame, row, column); an image is one frame. Tables are made for a grid of places, ``made_for``, and serve
every ``size``: offsets in the plane are resampled, offsets in time beyond the table have the value of its edge.
"""

import math

import torch
from torch import Tensor, nn

from .vit_resampling import resample

__all__ = ["CLASS_ROWS", "Grid", "RelativePositionBias", "class_weight", "decomposed_bias", "new_table", "table_bias"]

Grid = tuple[int, int, int]
CLASS_ROWS = 3  # class query to patch key, patch query to class key, class to class


def new_table(made_for: Grid, num_heads: int, class_token: bool) -> nn.Parameter:
    """A table of zeros: a row per offset, column fastest and frame slowest, then those of the class token if any."""
    rows = math.prod(2 * length - 1 for length in made_for)
    return nn.Parameter(torch.zeros(rows + CLASS_ROWS * class_token, num_heads))


def table_bias(table: Tensor, made_for: Grid, size: Grid, class_token: bool) -> Tensor:
    """What a table adds to the logits (BEiT, https://arxiv.org/abs/2106.08254, as SimMIM's ViT has it).

    Args:
        table: (rows, heads), see :func:`new_table`.
        made_for: The grid of the table.
        size: The grid of the tokens.
        class_token: Whether a class token precedes the patches; see :func:`class_weight`.

    Returns:
        (heads, tokens, tokens), query then key.
    """
    rows = [2 * length - 1 for length in made_for]
    offsets = table[: math.prod(rows)].unflatten(0, rows)
    offsets = resample(offsets, "geometric", {1: 2 * size[1] - 1, 2: 2 * size[2] - 1})
    for axis, (length, reach) in enumerate(zip(size, (made_for[0], *size[1:]), strict=True)):
        place = torch.arange(length, device=table.device)
        step = (place[:, None] - place[None, :]).clamp(1 - reach, reach - 1) + reach - 1
        offsets = offsets.index_select(axis, step.flatten())
    pairs = offsets.unflatten(2, (size[2], -1)).unflatten(1, (size[1], -1)).unflatten(0, (size[0], -1))
    patches = pairs.permute(6, 0, 2, 4, 1, 3, 5).reshape(-1, math.prod(size), math.prod(size))
    if not class_token:
        return patches
    to_patches, to_class, itself = table[-CLASS_ROWS:, :, None, None].unbind(0)
    weight = math.log(size[0])
    first = torch.cat([itself + weight, to_patches.expand(-1, 1, patches.shape[2])], 2)
    others = torch.cat([(to_class + weight).expand(-1, patches.shape[1], 1), patches], 2)
    return torch.cat([first, others], 1)


def class_weight(size: Grid, like: Tensor) -> Tensor | None:
    """(1, 1, tokens): log T on the class key of a clip of T frames, 0 elsewhere; None for an image.

    Each frame of a still clip repeats the keys of the patches; so weighted, the class token keeps its share of the
    attention, and the clip has the features of its image.
    """
    if size[0] == 1:
        return None
    weight = torch.zeros(1, 1, 1 + math.prod(size), dtype=like.dtype, device=like.device)
    weight[..., 0] = math.log(size[0])
    return weight


def decomposed_bias(query: Tensor, rel_pos_h: Tensor, rel_pos_w: Tensor, size: tuple[int, int]) -> Tensor:
    """A query's product with a vector per row offset, plus that with one per column offset.

    MViTv2, section 4.1 (https://arxiv.org/abs/2112.01526), as ViTDet uses it.

    Args:
        query: (B, heads, cells, C) before it is scaled.
        rel_pos_h: (2 rows - 1, C), of the grid that it was made for.
        rel_pos_w: (2 columns - 1, C).
        size: Rows and columns of the cells.

    Returns:
        (B, heads, cells, cells), query then key.
    """
    places = query.unflatten(2, size)
    products = []
    for table, length, equation in zip(
        (rel_pos_h, rel_pos_w), size, ("bnhwc,hkc->bnhwk", "bnhwc,wkc->bnhwk"), strict=True
    ):
        place = torch.arange(length, device=query.device)
        vectors = resample(table, "linear", {0: 2 * length - 1})[place[:, None] - place[None, :] + length - 1]
        products.append(torch.einsum(equation, places, vectors.to(query.dtype)))
    return (products[0][..., :, None] + products[1][..., None, :]).flatten(4).flatten(2, 3)


class RelativePositionBias(nn.Module):
    """The table that all blocks of SimMIM's pre-training share."""

    def __init__(self, made_for: Grid, num_heads: int, class_token: bool) -> None:
        super().__init__()
        self.made_for = made_for
        self.class_token = class_token
        self.relative_position_bias_table = new_table(made_for, num_heads, class_token)

    def forward(self, size: Grid) -> Tensor:
        """(heads, tokens, tokens) for a grid of patches."""
        return table_bias(self.relative_position_bias_table, self.made_for, size, self.class_token)
