"""Modulated deformable convolution, by torchvision.

Zhu et al., "Deformable ConvNets v2", https://arxiv.org/abs/1811.11168, equation 1: a deformable convolution in which
what each tap reads is multiplied by a mask.
"""

from torch import Tensor

from simmim_eval.compat.deform_conv import check_channels, convolve, differentiate
from simmim_eval.compat.precision import widen

__all__ = ["modulated_deform_conv_backward", "modulated_deform_conv_forward"]


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    *,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Fill ``output``; as :func:`deform_conv_forward`, with a mask and a bias.

    Args:
        input: (B, C, H, W) float.
        weight: (C', C / group, kernel_h, kernel_w) float.
        bias: (C',) float, or empty without bias.
        ones: Scratch of the compiled operator, left alone.
        offset: (B, deformable_group * kernel_h * kernel_w * 2, H', W') float.
        mask: (B, deformable_group * kernel_h * kernel_w, H', W') float.
        output: (B, C', H', W'), filled.
        columns: Scratch of the compiled operator, left alone.
        kernel_h: Kernel height; read off the weight.
        kernel_w: Kernel width; likewise.
        stride_h: Stride down.
        stride_w: Stride across.
        pad_h: Zeros added above and below.
        pad_w: Zeros added at the left and at the right.
        dilation_h: Cells between taps, down.
        dilation_w: Cells between taps, across.
        group: Groups of channels.
        deformable_group: Groups of channels that share offset and mask.
        with_bias: Whether ``bias`` is used.

    Raises:
        ConfigError: The channels of offset or mask do not fit.
    """
    check_channels("offset", offset, 2 * kernel_h * kernel_w, deformable_group)
    check_channels("mask", mask, kernel_h * kernel_w, deformable_group)
    geometry = ((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w))
    operands = (input, weight, offset, mask, bias) if with_bias else (input, weight, offset, mask)
    convolve(widen(*operands), geometry, output)


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    *,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Fill every ``grad_`` buffer; the other arguments as in :func:`modulated_deform_conv_forward`."""
    geometry = ((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w))
    operands = (input, weight, offset, mask, bias) if with_bias else (input, weight, offset, mask)
    buffers = (grad_input, grad_weight, grad_offset, grad_mask, grad_bias)
    for buffer, grad in zip(buffers, differentiate(widen(*operands), geometry, grad_output), strict=False):
        buffer.copy_(grad)
