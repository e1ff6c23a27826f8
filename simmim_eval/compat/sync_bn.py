"""The local sums of mmcv's synchronised batch normalisation; mmcv itself adds them up over the processes.

Ioffe and Szegedy, "Batch Normalization", https://arxiv.org/abs/1502.03167, algorithm 1 and its derivatives in §3.
Maps are (B, C, S), S the places of all axes after the channels; statistics are (C,) float32.
"""

from torch import Tensor

from simmim_eval.compat.precision import widen

__all__ = [
    "sync_bn_backward_data",
    "sync_bn_backward_param",
    "sync_bn_forward_mean",
    "sync_bn_forward_output",
    "sync_bn_forward_var",
]


def sync_bn_forward_mean(input: Tensor, mean: Tensor) -> None:
    """Fill ``mean``, (C,), with that of the maps, (B, C, S)."""
    (maps,) = widen(input)
    mean.copy_(maps.mean(dim=(0, 2)))


def sync_bn_forward_var(input: Tensor, mean: Tensor, var: Tensor) -> None:
    """Fill ``var``, (C,), with the mean square distance from ``mean``."""
    (maps,) = widen(input)
    var.copy_((maps - mean[:, None]).square().mean(dim=(0, 2)))


def sync_bn_forward_output(
    input: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    norm: Tensor,
    std: Tensor,
    output: Tensor,
    *,
    eps: float,
    momentum: Tensor | float,
    group_size: int,
) -> None:
    """Normalise, scale and shift, and move the running statistics.

    Args:
        input: (B, C, S) float.
        mean: (C,), of all processes.
        var: (C,), of all processes, biased.
        weight: (C,) scale.
        bias: (C,) shift.
        running_mean: (C,), moved towards the mean; None where the layer keeps none.
        running_var: (C,), moved towards the unbiased variance; likewise.
        norm: (B, C, S), filled with the normalised maps.
        std: (C,), filled with the root of the variance plus ``eps``.
        output: (B, C, S), filled.
        eps: Added to the variance.
        momentum: Share of the new statistics in the running ones.
        group_size: Number of processes, each with as many values.
    """
    (maps,) = widen(input)
    std.copy_((var + eps).sqrt())
    norm.copy_((maps - mean[:, None]) / std[:, None])
    output.copy_(norm * weight[:, None] + bias[:, None])
    if running_mean is None or running_var is None:
        return
    count = maps.shape[0] * maps.shape[2] * group_size
    unbiased = var * count / (count - 1) if count > 1 else var
    running_mean.copy_(momentum * mean + (1 - momentum) * running_mean)
    running_var.copy_(momentum * unbiased + (1 - momentum) * running_var)


def sync_bn_backward_param(grad_output: Tensor, norm: Tensor, grad_weight: Tensor, grad_bias: Tensor) -> None:
    """Fill the derivatives by weight and bias, (C,), of this process's maps."""
    (grad,) = widen(grad_output)
    grad_weight.copy_((grad * norm).sum(dim=(0, 2)))
    grad_bias.copy_(grad.sum(dim=(0, 2)))


def sync_bn_backward_data(
    grad_output: Tensor,
    weight: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    norm: Tensor,
    std: Tensor,
    grad_input: Tensor,
) -> None:
    """Fill ``grad_input``, (B, C, S); ``grad_weight`` and ``grad_bias`` are the means over the processes."""
    (grad,) = widen(grad_output)
    shared = (grad_weight[:, None] * norm + grad_bias[:, None]) / (grad.shape[0] * grad.shape[2])
    grad_input.copy_(weight[:, None] * (grad - shared) / std[:, None])
