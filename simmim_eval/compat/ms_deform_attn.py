"""Multi-scale deformable attention.

Zhu et al., "Deformable DETR", https://arxiv.org/abs/2010.04159, equation 3: each head of each query reads a few points
on each level of a pyramid, bilinearly and as zero beyond the border, and sums them with its attention weights. mmcv
calls this for tensors on a GPU; on the CPU it has a path of its own.

Both passes go level by level, so that the samples of one level are held at a time.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from simmim_eval.compat.precision import widen

__all__ = ["ms_deform_attn_backward", "ms_deform_attn_forward"]


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    *,
    im2col_step: int,
) -> Tensor:
    """The attended values.

    Args:
        value: (B, S, heads, D) float; S = sum of the levels' cells.
        value_spatial_shapes: (L, 2) int64, height and width of each level.
        value_level_start_index: (L,) int64, the first of the S cells of each level.
        sampling_locations: (B, Q, heads, L, P, 2) float, x then y; 0 to 1 is the map from edge to edge.
        attention_weights: (B, Q, heads, L, P) float.
        im2col_step: Samples per call of the compiled kernel; all are done at once.

    Returns:
        (B, Q, heads * D), in the dtype of ``value``.
    """
    wide, locations, weights = widen(value, sampling_locations, attention_weights)
    batch, queries, heads = locations.shape[:3]
    output = wide.new_zeros(batch, queries, heads * wide.shape[3])
    for level, cells, size in _levels(value_spatial_shapes, value_level_start_index):
        output += _attend(wide[:, cells], size, locations[:, :, :, level], weights[:, :, :, level])
    return output.to(value.dtype)


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    *,
    im2col_step: int,
) -> None:
    """Fill the three ``grad_`` buffers; the other arguments as in the forward pass."""
    wide, locations, weights, grad = widen(value, sampling_locations, attention_weights, grad_output)
    for level, cells, size in _levels(value_spatial_shapes, value_level_start_index):
        parts = (wide[:, cells], locations[:, :, :, level], weights[:, :, :, level])
        leaves = [part.detach().requires_grad_() for part in parts]
        with torch.enable_grad():
            output = _attend(leaves[0], size, leaves[1], leaves[2])
        to_value, to_locations, to_weights = torch.autograd.grad(output, leaves, grad)
        grad_value[:, cells] = to_value.to(grad_value.dtype)
        grad_sampling_loc[:, :, :, level] = to_locations.to(grad_sampling_loc.dtype)
        grad_attn_weight[:, :, :, level] = to_weights.to(grad_attn_weight.dtype)


def _levels(shapes: Tensor, starts: Tensor) -> Iterator[tuple[int, slice, tuple[int, int]]]:
    """Each level's number, its cells among the S, its height and width."""
    for level, ((height, width), start) in enumerate(zip(shapes.tolist(), starts.tolist(), strict=True)):
        yield level, slice(start, start + height * width), (height, width)


def _attend(cells: Tensor, size: tuple[int, int], locations: Tensor, weights: Tensor) -> Tensor:
    """One level: (B, H * W, heads, D), (B, Q, heads, P, 2), (B, Q, heads, P) to (B, Q, heads * D)."""
    batch, queries, heads, _ = weights.shape
    maps = cells.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, size)
    grid = (2 * locations - 1).transpose(1, 2).flatten(0, 1)
    samples = functional.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    summed = (samples * weights.transpose(1, 2).flatten(0, 1)[:, None]).sum(dim=3)
    return summed.unflatten(0, (batch, heads)).permute(0, 3, 1, 2).reshape(batch, queries, -1)
