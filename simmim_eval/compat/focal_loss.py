"""Sigmoid focal loss and its derivative, in plain torch.

Lin et al., "Focal Loss for Dense Object Detection", https://arxiv.org/abs/1708.02002. With y = 1 for the target class
and -1 for every other, and p_t = sigmoid(y x):

    FL(p_t)  = -alpha_t (1 - p_t)^gamma log(p_t)                                       equation 5
    dFL / dx = alpha_t y (1 - p_t)^gamma (gamma p_t log(p_t) + p_t - 1)                appendix B

with alpha_t = alpha for the target class and 1 - alpha for the others. The logarithm is that of a sigmoid taken in one
step, exact for any logit; mmcv clamps p_t at the smallest float32 instead (they part where |x| > 87).
"""

import torch
from torch import Tensor
from torch.nn import functional

from simmim_eval.compat.precision import widen
from simmim_eval.errors import ConfigError

__all__ = ["sigmoid_focal_loss_backward", "sigmoid_focal_loss_forward"]


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, *, gamma: float, alpha: float
) -> None:
    """Fill ``output`` with the loss of every logit.

    Args:
        input: (N, C) float logits.
        target: (N,) int64 class; any value outside 0..C-1 (mmdet: C) is background, negative for every class.
        weight: (C,) factor of a sample by its target class, or empty for none.
        output: (N, C), filled.
        gamma: Focusing parameter, >= 0.
        alpha: Share of the target class, in [0, 1].

    Raises:
        ConfigError: ``weight`` is given and a target is background.
    """
    sign, logits = _signed(input, target)
    hard = torch.sigmoid(-logits) ** gamma
    loss = -_alpha_t(sign, alpha) * hard * functional.logsigmoid(logits)
    output.copy_(_weighted(loss, target, weight))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, *, gamma: float, alpha: float
) -> None:
    """Fill ``grad_input``, (N, C), with the derivative of the loss by each logit; arguments as in the forward pass."""
    sign, logits = _signed(input, target)
    p_t, wrong = torch.sigmoid(logits), torch.sigmoid(-logits)
    slope = gamma * p_t * functional.logsigmoid(logits) - wrong
    grad = _alpha_t(sign, alpha) * sign * wrong**gamma * slope
    grad_input.copy_(_weighted(grad, target, weight))


def _signed(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The sign y and the logit y x of the paper, both (N, C)."""
    (logits,) = widen(input)
    positive = target[:, None] == torch.arange(logits.shape[1], device=target.device)
    sign = torch.full_like(logits, -1).masked_fill_(positive, 1)
    return sign, sign * logits


def _alpha_t(sign: Tensor, alpha: float) -> Tensor:
    return torch.full_like(sign, 1 - alpha).masked_fill_(sign > 0, alpha)


def _weighted(value: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    if weight.numel() == 0:
        return value
    classes = value.shape[1]
    outside = target[(target < 0) | (target >= classes)]
    if outside.numel():
        raise ConfigError(
            f"sigmoid_focal_loss: target {int(outside[0])} is not one of the {classes} classes that 'weight' covers. "
            "Drop the background samples before the loss, or give no weight."
        )
    return value * weight.to(value.dtype)[target, None]
