"""Attention inside windows of a map of any number of axes: pad, roll, partition, attend, and back.

Swin Transformer, section 3.2 (https://arxiv.org/abs/2103.14030). Padding comes before the roll; the other way round,
shifted windows join opposite edges wherever the window does not divide the map.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["attend_in_windows", "attention_mask", "merge_windows", "split_windows"]

SEPARATION = -100.0  # added to the logit of a pair that must not attend; the official constant


def split_windows(x: Tensor, window: tuple[int, ...]) -> Tensor:
    """(B, *size, C), size divisible by the window -> (B * windows, cells of a window, C), row-major in both."""
    axes = len(window)
    shape = [length for size, side in zip(x.shape[1:-1], window, strict=True) for length in (size // side, side)]
    x = x.reshape(x.shape[0], *shape, x.shape[-1])
    order = [0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1]
    return x.permute(order).reshape(-1, math.prod(window), x.shape[-1])


def merge_windows(windows: Tensor, window: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    """The inverse of :func:`split_windows`: (B * windows, cells of a window, C) -> (B, *size, C)."""
    axes = len(window)
    counts = [length // side for length, side in zip(size, window, strict=True)]
    x = windows.reshape(-1, *counts, *window, windows.shape[-1])
    order = [0, *(axis for i in range(1, axes + 1) for axis in (i, i + axes)), 2 * axes + 1]
    return x.permute(order).reshape(-1, *size, windows.shape[-1])


@lru_cache(maxsize=16)
def attention_mask(
    size: tuple[int, ...],
    window: tuple[int, ...],
    shift: tuple[int, ...],
    hidden: tuple[int, ...],
    device: torch.device,
    dtype: torch.dtype,
) -> Tensor | None:
    """What is added to the logits of each window: 0, or -100 between cells that only the roll brought together.

    Args:
        size: The padded map, before the roll.
        window: Window side on each axis.
        shift: Roll on each axis; 0 leaves the axis whole.
        hidden: On each axis, the number of last cells that no query may see (padding), else 0.
        device: Where the mask lives.
        dtype: Its type.

    Returns:
        (windows, cells, cells), or None where nothing is to be added.
    """
    if not any(shift) and not any(hidden):
        return None
    with torch.inference_mode(False):
        region = torch.zeros(1, *size, 1, dtype=torch.long, device=device)
        unseen = torch.zeros(1, *size, 1, dtype=torch.bool, device=device)
        for axis, (length, side, step, last) in enumerate(zip(size, window, shift, hidden, strict=True)):
            place = torch.arange(length, device=device)
            view = [-1 if i == axis + 1 else 1 for i in range(len(size) + 2)]
            rolled = (place >= length - side).long() + (place >= length - step).long() if step else 0 * place
            region = 3 * region + rolled.view(view)
            unseen = unseen | (place >= length - last).roll(-step).view(view)
        regions = split_windows(region, window).squeeze(-1)
        apart = regions[:, :, None] != regions[:, None, :]
        apart = apart | split_windows(unseen, window).squeeze(-1)[:, None, :]
        return torch.zeros(apart.shape, dtype=dtype, device=device).masked_fill_(apart, SEPARATION)


def attend_in_windows(
    x: Tensor,
    attention: Callable[[Tensor, Tensor | None], Tensor],
    window: tuple[int, ...],
    shift: tuple[int, ...],
    hide_padding: tuple[bool, ...] | None = None,
) -> Tensor:
    """Windowed attention over a map of any size.

    Args:
        x: (B, *size, C).
        attention: (B * windows, cells, C) and a mask (windows, cells, cells) or None -> the first shape.
        window: Window side on each axis.
        shift: Roll on each axis.
        hide_padding: On each axis, whether padded cells are hidden from the queries. In the plane Swin's are not:
            they are keys like any other.

    Returns:
        (B, *size, C).
    """
    size = tuple(x.shape[1:-1])
    axes = tuple(range(1, len(size) + 1))
    margin = tuple(-length % side for length, side in zip(size, window, strict=True))
    padded = tuple(length + more for length, more in zip(size, margin, strict=True))
    if any(margin):
        x = functional.pad(x, (0, 0, *(amount for more in reversed(margin) for amount in (0, more))))
    if any(shift):
        x = torch.roll(x, tuple(-step for step in shift), axes)
    hide = hide_padding or (False,) * len(size)
    hidden = tuple(more if flag else 0 for more, flag in zip(margin, hide, strict=True))
    mask = attention_mask(padded, window, shift, hidden, x.device, x.dtype)
    x = merge_windows(attention(split_windows(x, window), mask), window, padded)
    if any(shift):
        x = torch.roll(x, shift, axes)
    if any(margin):
        x = x[(slice(None), *(slice(length) for length in size))]
    return x
