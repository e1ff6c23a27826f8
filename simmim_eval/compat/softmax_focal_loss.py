"""Softmax focal loss and its derivative, in plain torch.

The focal loss of Lin et al., https://arxiv.org/abs/1708.02002, equation 5, of the softmax probability p of the target
class; with one alpha for all classes (a class weight may be added):

    FL(p)        = -alpha (1 - p)^gamma log(p)
    dFL / dx_c   = alpha (gamma (1 - p)^(gamma - 1) p log(p) - (1 - p)^gamma) ([c = target] - softmax_c)

A negative target is ignored: its loss and its gradient are zero.
"""

import torch
from torch import Tensor

from simmim_eval.compat.precision import widen
from simmim_eval.errors import ConfigError

__all__ = ["softmax_focal_loss_backward", "softmax_focal_loss_forward"]


def softmax_focal_loss_forward(
    softmax: Tensor, target: Tensor, weight: Tensor, output: Tensor, *, gamma: float, alpha: float
) -> None:
    """Fill ``output`` with the loss of every sample.

    Args:
        softmax: (N, C) float probabilities (mmcv takes the softmax).
        target: (N,) int64 class in 0..C-1, or negative for a sample to ignore.
        weight: (C,) factor of a sample by its target class, or empty for none.
        output: (N,), filled.
        gamma: Focusing parameter, >= 0.
        alpha: Factor of every loss.

    Raises:
        ConfigError: A target is C or more.
    """
    probability, factor = _of_target(softmax, target, weight, alpha)
    output.copy_(-factor * (1 - probability) ** gamma * _log(probability))


def softmax_focal_loss_backward(
    softmax: Tensor, target: Tensor, weight: Tensor, buff: Tensor, grad_input: Tensor, *, gamma: float, alpha: float
) -> None:
    """Fill ``grad_input``, (N, C), with the derivative by each logit, and ``buff``, (N,), with its common factor."""
    probability, factor = _of_target(softmax, target, weight, alpha)
    wrong = 1 - probability
    # log(p) / (1 - p) tends to -1: a sure sample has no 0 ** negative times 0.
    ratio = torch.where(wrong > 0, _log(probability) / wrong, -1)
    common = factor * wrong**gamma * (gamma * probability * ratio - 1)
    buff.copy_(common)
    classes = torch.arange(softmax.shape[1], device=target.device)
    grad_input.copy_(common[:, None] * ((target[:, None] == classes).to(common.dtype) - softmax))


def _of_target(softmax: Tensor, target: Tensor, weight: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Probability of each target, and alpha times its weight, both (N,); the latter zero where ignored."""
    (softmax,) = widen(softmax)
    beyond = target[target >= softmax.shape[1]]
    if beyond.numel():
        raise ConfigError(
            f"softmax_focal_loss: target {int(beyond[0])} is not one of the {softmax.shape[1]} classes. Raise the "
            "number of classes, or mark samples to ignore with a negative target."
        )
    valid = target.clamp(min=0)
    probability = softmax.gather(1, valid[:, None])[:, 0]
    factor = torch.full_like(probability, alpha) if weight.numel() == 0 else alpha * weight.to(softmax.dtype)[valid]
    return probability, factor.masked_fill(target < 0, 0)


def _log(probability: Tensor) -> Tensor:
    """The logarithm, finite at zero."""
    return probability.clamp(min=torch.finfo(torch.float32).tiny).log()
