"""CARAFE: upsampling with a kernel predicted for every output cell.

Wang et al., "CARAFE: Content-Aware ReAssembly of FEatures", https://arxiv.org/abs/1905.02188. An output cell (y, x) is
the weighted sum of the k x k cells around (y // scale, x // scale); its weights are the k² channels of ``masks`` at
(y, x), row by row, one set per group of channels. Cells beyond the border count as zero.

The work is a loop over the k² taps, each on the whole map, so that nothing larger than the output is held.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from simmim_eval.compat.precision import widen

__all__ = ["carafe_backward", "carafe_forward", "carafe_naive_backward", "carafe_naive_forward"]


def carafe_forward(
    features: Tensor,
    masks: Tensor,
    rfeatures: Tensor,
    routput: Tensor,
    rmasks: Tensor,
    output: Tensor,
    *,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``output``, and ``rfeatures`` with the features, which :func:`carafe_backward` is given instead of them.

    Args:
        features: (B, C, H, W) float.
        masks: (B, group_size * kernel_size², H * scale, W * scale) float.
        rfeatures: (B, C, H, W), filled (a compiled mmcv keeps a transposed copy there).
        routput: Scratch of the compiled operator, left alone.
        rmasks: Likewise.
        output: (B, C, H * scale, W * scale), filled.
        kernel_size: Odd.
        group_size: Number of channel groups; divides C.
        scale_factor: Upsampling ratio, >= 1.
    """
    rfeatures.copy_(features)
    carafe_naive_forward(
        features, masks, output, kernel_size=kernel_size, group_size=group_size, scale_factor=scale_factor
    )


def carafe_backward(
    grad_output: Tensor,
    rfeatures: Tensor,
    masks: Tensor,
    rgrad_output: Tensor,
    rgrad_input_hs: Tensor,
    rgrad_input: Tensor,
    rgrad_masks: Tensor,
    grad_input: Tensor,
    grad_masks: Tensor,
    *,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``grad_input`` and ``grad_masks``; the ``rgrad_`` buffers are scratch of the compiled operator."""
    carafe_naive_backward(
        grad_output,
        rfeatures,
        masks,
        grad_input,
        grad_masks,
        kernel_size=kernel_size,
        group_size=group_size,
        scale_factor=scale_factor,
    )


def carafe_naive_forward(
    features: Tensor, masks: Tensor, output: Tensor, *, kernel_size: int, group_size: int, scale_factor: int
) -> None:
    """Fill ``output``; arguments as in :func:`carafe_forward`."""
    features, masks = widen(features, masks)
    weights = _by_cell(masks, group_size, scale_factor)
    padded = _padded(features, kernel_size, group_size)
    batch, channels, height, width = features.shape
    result = features.new_zeros(batch, group_size, channels // group_size, scale_factor**2, height, width)
    for tap, rows, columns in _taps(kernel_size, features.shape[2:]):
        result.addcmul_(padded[..., rows, columns], weights[:, :, tap : tap + 1])
    output.copy_(functional.pixel_shuffle(result.flatten(1, 3), scale_factor))


def carafe_naive_backward(
    grad_output: Tensor,
    features: Tensor,
    masks: Tensor,
    grad_input: Tensor,
    grad_masks: Tensor,
    *,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Fill ``grad_input``, shaped as the features, and ``grad_masks``, shaped as the masks."""
    grad, features, masks = widen(grad_output, features, masks)
    grad, weights = (_by_cell(tensor, group_size, scale_factor) for tensor in (grad, masks))
    padded = _padded(features, kernel_size, group_size)
    to_weights, to_padded = torch.empty_like(weights), torch.zeros_like(padded)
    for tap, rows, columns in _taps(kernel_size, features.shape[2:]):
        to_weights[:, :, tap] = (grad * padded[..., rows, columns]).sum(dim=2)
        to_padded[..., rows, columns] += (grad * weights[:, :, tap : tap + 1]).sum(dim=3, keepdim=True)
    half = kernel_size // 2
    height, width = features.shape[2:]
    grad_input.copy_(to_padded[..., half : half + height, half : half + width].reshape(grad_input.shape))
    grad_masks.copy_(functional.pixel_shuffle(to_weights.flatten(1, 3), scale_factor))


def _by_cell(upsampled: Tensor, groups: int, scale: int) -> Tensor:
    """(B, G * K, H * s, W * s) as (B, G, K, s², H, W): by the cell of the features from which each was made."""
    return functional.pixel_unshuffle(upsampled, scale).unflatten(1, (groups, -1, scale**2))


def _padded(features: Tensor, kernel_size: int, groups: int) -> Tensor:
    """(B, C, H, W) as (B, G, C / G, 1, H + k - 1, W + k - 1), zero around."""
    half = kernel_size // 2
    return functional.pad(features, (half, half, half, half)).unflatten(1, (groups, -1, 1))


def _taps(kernel_size: int, size: torch.Size) -> Iterator[tuple[int, slice, slice]]:
    """Each tap's number with the rows and columns of the padded map that it reads."""
    height, width = size
    for tap in range(kernel_size**2):
        row, column = divmod(tap, kernel_size)
        yield tap, slice(row, row + height), slice(column, column + width)
