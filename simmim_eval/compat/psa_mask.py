"""The mask layout of point-wise spatial attention.

Zhao et al., "PSANet: Point-wise Spatial Attention Network for Scene Parsing", ECCV 2018: every cell (h, w) predicts a
weight for each place of a window around it, as channels, row by row. Here these become weights between two cells of the
map; what falls outside the map is dropped, what no window reaches is zero.

In "collect" the output is (B, other cell, this cell), in "distribute" (B, this cell, other cell).
"""

import torch
from torch import Tensor

__all__ = ["psamask_backward", "psamask_forward"]

_DISTRIBUTE = 1  # 0 is collect


def psamask_forward(
    input: Tensor,
    output: Tensor,
    *,
    psa_type: int,
    num_: int,
    h_feature: int,
    w_feature: int,
    h_mask: int,
    w_mask: int,
    half_h_mask: int,
    half_w_mask: int,
) -> None:
    """Fill ``output``.

    Args:
        input: (B, h_mask * w_mask, H, W).
        output: (B, H * W, H, W), filled.
        psa_type: 0 collect, 1 distribute.
        num_: B; read off the input.
        h_feature: H.
        w_feature: W.
        h_mask: Rows of the window.
        w_mask: Columns of the window.
        half_h_mask: Row of the window that lies on the cell itself.
        half_w_mask: Column, likewise.
    """
    window = input.reshape(-1, h_mask, w_mask, h_feature, w_feature)
    places = _move(window, 1, _places(h_feature, h_mask, half_h_mask, window.device))
    places = _move(places, 2, _places(w_feature, w_mask, half_w_mask, window.device))
    if psa_type == _DISTRIBUTE:
        places = places.permute(0, 3, 4, 1, 2)
    output.copy_(places.reshape(output.shape))


def psamask_backward(
    grad_output: Tensor,
    grad_input: Tensor,
    *,
    psa_type: int,
    num_: int,
    h_feature: int,
    w_feature: int,
    h_mask: int,
    w_mask: int,
    half_h_mask: int,
    half_w_mask: int,
) -> None:
    """Fill ``grad_input``, (B, h_mask * w_mask, H, W); each weight went to one place at most."""
    places = grad_output.reshape(-1, h_feature, w_feature, h_feature, w_feature)
    if psa_type == _DISTRIBUTE:
        places = places.permute(0, 3, 4, 1, 2)
    window = _move(places, 2, _taps(w_feature, w_mask, half_w_mask, places.device))
    window = _move(window, 1, _taps(h_feature, h_mask, half_h_mask, places.device))
    grad_input.copy_(window.reshape(grad_input.shape))


def _places(size: int, taps: int, half: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each other cell and each cell, (size, size): the tap of the window, and whether the window has it."""
    cells = torch.arange(size, device=device)
    tap = cells[:, None] - cells + half
    return tap.clamp(0, taps - 1), (tap >= 0) & (tap < taps)


def _taps(size: int, taps: int, half: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each tap and each cell, (taps, size): the other cell, and whether the map has it."""
    other = torch.arange(taps, device=device)[:, None] + torch.arange(size, device=device) - half
    return other.clamp(0, size - 1), (other >= 0) & (other < size)


def _move(values: Tensor, dim: int, source: tuple[Tensor, Tensor]) -> Tensor:
    """Take along ``dim`` (1 rows, 2 columns) from where ``source`` says for each cell of axis ``dim + 2``."""
    index, exists = source
    shape = [1] * values.ndim
    shape[dim], shape[dim + 2] = index.shape
    full = list(values.shape)
    full[dim] = len(index)
    return values.gather(dim, index.view(shape).expand(full)).masked_fill_(~exists.view(shape), 0)
