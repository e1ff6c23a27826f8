"""RoIAlign, with average pooling by torchvision.

He et al., "Mask R-CNN", https://arxiv.org/abs/1703.06870, §3: each box is cut into bins, each bin averages bilinear
samples at regular points. With ``aligned`` the box is first moved by half a cell, so that the value of a cell belongs
to its centre (detectron2's correction); without it, boxes are widened to at least one cell.
"""

import torch
import torchvision
from torch import Tensor

from simmim_eval.compat.precision import widen
from simmim_eval.compat.roi_align_max import max_of_samples, max_of_samples_backward
from simmim_eval.compat.roi_bins import cut_into_bins

__all__ = ["roi_align_backward", "roi_align_forward"]

_MAX_POOLING = 0


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Pool the features under each box into ``output``.

    Args:
        input: (B, C, H, W) float features.
        rois: (N, 5) float: index into the batch, then corners x1, y1, x2, y2 in pixels.
        output: (N, C, aligned_height, aligned_width), filled.
        argmax_y: Likewise for max pooling, filled with the row of the sample in its bin, or -1; else empty.
        argmax_x: Likewise with its column.
        aligned_height: Bins down.
        aligned_width: Bins across.
        spatial_scale: Feature cells per pixel.
        sampling_ratio: Samples per bin along each axis; 0 = one for each cell or part of a cell.
        pool_mode: 1 = average, 0 = maximum.
        aligned: Move the boxes by half a cell.
    """
    features, rois = widen(input, rois)
    size = (aligned_height, aligned_width)
    if pool_mode == _MAX_POOLING:
        bins = cut_into_bins(rois, size, spatial_scale, sampling_ratio, aligned)
        for buffer, filled in zip((output, argmax_y, argmax_x), max_of_samples(features, bins), strict=True):
            buffer.copy_(filled)
        return
    output.copy_(torchvision.ops.roi_align(features, rois, size, spatial_scale, sampling_ratio, aligned))


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Spread ``grad_output`` over the features that :func:`roi_align_forward` read, into ``grad_input``.

    Average pooling is linear in the features, so torch differentiates it at zero. That repeats the forward pass (about
    a tenth of the backward one on the CPU) and needs no private operator of torchvision.

    Args:
        grad_output: (N, C, aligned_height, aligned_width) float.
        rois: As in the forward pass, and so are all options.
        argmax_y: What the forward pass of max pooling filled in.
        argmax_x: Likewise.
        grad_input: (B, C, H, W), filled.
        aligned_height: Bins down.
        aligned_width: Bins across.
        spatial_scale: Feature cells per pixel.
        sampling_ratio: Samples per bin along each axis, or 0.
        pool_mode: 1 = average, 0 = maximum.
        aligned: Whether the boxes were moved by half a cell.
    """
    grad, rois = widen(grad_output, rois)
    size = (aligned_height, aligned_width)
    if pool_mode == _MAX_POOLING:
        bins = cut_into_bins(rois, size, spatial_scale, sampling_ratio, aligned)
        grad_input.copy_(max_of_samples_backward(grad, bins, argmax_y, argmax_x, grad_input.shape))
        return
    with torch.enable_grad():
        features = torch.zeros(grad_input.shape, dtype=grad.dtype, device=grad.device, requires_grad=True)
        pooled = torchvision.ops.roi_align(features, rois, size, spatial_scale, sampling_ratio, aligned)
    grad_input.copy_(torch.autograd.grad(pooled, features, grad)[0])
