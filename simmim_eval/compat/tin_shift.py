"""The temporal shift of TIN: each group of channels moves along time by whole frames of its own.

Shao et al., "Temporal Interlacing Network", https://arxiv.org/abs/2001.06499. What moves past an end is dropped, what
nothing moves to is zero. The backward pass moves the gradient back (a compiled mmcv moves it forward once more, which
is not the derivative).
"""

import torch
from torch import Tensor

__all__ = ["tin_shift_backward", "tin_shift_forward"]


def tin_shift_forward(input: Tensor, shift: Tensor, output: Tensor) -> None:
    """Fill ``output``.

    Args:
        input: (B, T, C, H * W).
        shift: (B, G) whole numbers, frames towards the end; group g is the channels g * C / G and on.
        output: (B, T, C, H * W), filled.
    """
    output.copy_(_take(input, -shift))


def tin_shift_backward(grad_output: Tensor, shift: Tensor, grad_input: Tensor) -> None:
    """Fill ``grad_input``, (B, T, C, H * W)."""
    grad_input.copy_(_take(grad_output, shift))


def _take(values: Tensor, ahead: Tensor) -> Tensor:
    """At each frame the values of the one ``ahead``, zero where there is none."""
    frames, channels = values.shape[1:3]
    ahead = ahead.long().repeat_interleave(channels // ahead.shape[1], dim=1)
    source = (torch.arange(frames, device=values.device)[:, None] + ahead[:, None])[..., None]
    taken = values.gather(1, source.clamp(0, frames - 1).expand_as(values))
    return taken.masked_fill((source < 0) | (source >= frames), 0)
