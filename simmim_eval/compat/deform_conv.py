"""Deformable convolution, by torchvision.

Dai et al., "Deformable Convolutional Networks", https://arxiv.org/abs/1703.06211, equations 2 and 3: each tap of the
kernel reads the map, bilinearly and as zero beyond the border, at its place plus an offset of its own.

Offsets are (B, deform_groups * K * 2, H', W'), for each tap y then x, in cells. torchvision reads outside its memory
where an offset is not a number; here such a tap reads zero, as in mmcv.
"""

import torch
import torchvision
from torch import Tensor

from simmim_eval.compat.precision import widen
from simmim_eval.errors import ConfigError

__all__ = [
    "Geometry",
    "check_channels",
    "convolve",
    "deform_conv_backward_input",
    "deform_conv_backward_parameters",
    "deform_conv_forward",
    "differentiate",
]

Geometry = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # stride, padding, dilation; each down, across

# Cells; beyond every map, and still a whole number in float32 and int32.
_FAR = 2.0**20


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Fill ``output`` with the convolution.

    Args:
        input: (B, C, H, W) float.
        weight: (C', C / group, kH, kW) float.
        offset: (B, deformable_group * kH * kW * 2, H', W') float.
        output: (B, C', H', W'), filled.
        columns: Scratch of the compiled operator, left alone.
        ones: Likewise.
        kW: Kernel width; read off the weight.
        kH: Kernel height; likewise.
        dW: Stride across.
        dH: Stride down.
        padW: Zeros added at the left and at the right.
        padH: Zeros added above and below.
        dilationW: Cells between taps, across.
        dilationH: Cells between taps, down.
        group: Groups of channels.
        deformable_group: Groups of channels that share an offset.
        im2col_step: Samples per call of the compiled kernel; torchvision chooses its own.

    Raises:
        ConfigError: The offset has not two channels per tap and deformable group.
    """
    check_channels("offset", offset, 2 * kH * kW, deformable_group)
    geometry = ((dH, dW), (padH, padW), (dilationH, dilationW))
    convolve(widen(input, weight, offset), geometry, output)


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    *,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Fill ``grad_input`` and ``grad_offset``; the other arguments as in :func:`deform_conv_forward`."""
    geometry = ((dH, dW), (padH, padW), (dilationH, dilationW))
    grads = differentiate(widen(input, weight, offset), geometry, grad_output)
    grad_input.copy_(grads[0])
    grad_offset.copy_(grads[2])


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
) -> None:
    """Fill ``grad_weight``, times ``scale``; the other arguments as in :func:`deform_conv_forward`.

    The derivative by the weight does not depend on the weight, so that zeros stand for it.
    """
    geometry = ((dH, dW), (padH, padW), (dilationH, dilationW))
    weight = torch.zeros_like(grad_weight)
    grad_weight.copy_(differentiate(widen(input, weight, offset), geometry, grad_output)[1] * scale)


def check_channels(name: str, given: Tensor, per_group: int, groups: int) -> None:
    """Refuse an offset or mask whose groups torchvision would count otherwise than the layer does."""
    if given.shape[1] != groups * per_group:
        raise ConfigError(
            f"deformable convolution: '{name}' has {given.shape[1]} channels; {groups} deform_groups need "
            f"{groups} x {per_group} = {groups * per_group}. Change 'deform_groups' or the layer that predicts it."
        )


def convolve(operands: tuple[Tensor, ...], geometry: Geometry, output: Tensor) -> None:
    """Fill ``output``; the operands are features, weight, offset, then nothing, the mask, or mask and bias."""
    output.copy_(_apply(_in_range(operands), geometry, output.shape[2:]))


def differentiate(operands: tuple[Tensor, ...], geometry: Geometry, grad_output: Tensor) -> tuple[Tensor, ...]:
    """The derivative by each operand of :func:`convolve`, in their order."""
    with torch.enable_grad():
        leaves = tuple(operand.detach().requires_grad_() for operand in _in_range(operands))
        output = _apply(leaves, geometry, grad_output.shape[2:])
    return torch.autograd.grad(output, leaves, grad_output.to(output.dtype))


def _in_range(operands: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    features, weight, offset, *rest = operands
    offset = offset.nan_to_num(nan=_FAR, posinf=_FAR, neginf=-_FAR).clamp(-_FAR, _FAR)
    return (features, weight, offset, *rest)


def _apply(operands: tuple[Tensor, ...], geometry: Geometry, size: torch.Size) -> Tensor:
    features, weight, offset, *rest = operands
    mask = bias = None
    if rest:
        offset, mask, bias = _leading(offset, size), _leading(rest[0], size), (*rest, None)[1]
    stride, padding, dilation = geometry
    result: Tensor = torchvision.ops.deform_conv2d(features, offset, weight, bias, stride, padding, dilation, mask)
    return result


def _leading(values: Tensor, size: torch.Size) -> Tensor:
    """An offset or mask of another size than the output: the first values of each sample, in their order in memory.

    DyHead gives a coarse level the offsets of a finer one, and mmcv's second version reads them so; its published
    weights were trained with that.
    """
    needed = values.shape[1] * size.numel()
    if values.shape[2:] == size or values[0].numel() < needed:  # torchvision refuses the latter
        return values
    return values.flatten(1)[:, :needed].unflatten(1, (values.shape[1], *size))
