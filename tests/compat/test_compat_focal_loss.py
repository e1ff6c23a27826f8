"""sigmoid_focal_loss of mmcv.ops against the paper's formula in plain numbers, and its gradient."""

import math

import pytest
import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss as torchvision_loss

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import SigmoidFocalLoss, sigmoid_focal_loss

from simmim_eval.errors import ConfigError

CLASSES = 4
TARGET = [0, 3, 1, CLASSES, 3, 2, -1]  # the fourth and the last are background
PARAMETERS = [(2.0, 0.25), (0.5, 0.3), (0.0, 0.5), (3.0, 0.9)]


def naive_loss(logits: Tensor, target: Tensor, gamma: float, alpha: float) -> list[list[float]]:
    """Equation 5 of the paper, one logit at a time."""
    rows = []
    for values, label in zip(logits.tolist(), target.tolist(), strict=True):
        row = []
        for c, x in enumerate(values):
            p = 1 / (1 + math.exp(-x))
            p_t, alpha_t = (p, alpha) if c == label else (1 - p, 1 - alpha)
            row.append(-alpha_t * (1 - p_t) ** gamma * math.log(p_t))
        rows.append(row)
    return rows


@pytest.fixture
def logits() -> Tensor:
    """(7, 4) float64."""
    return 3 * torch.randn(len(TARGET), CLASSES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def target() -> Tensor:
    """(7,) int64."""
    return torch.tensor(TARGET)


@pytest.mark.parametrize(("gamma", "alpha"), PARAMETERS)
def test_loss_is_the_formula(logits: Tensor, target: Tensor, gamma: float, alpha: float) -> None:
    expected = torch.tensor(naive_loss(logits, target, gamma, alpha), dtype=torch.float64)
    for reduction, value in {"none": expected, "sum": expected.sum(), "mean": expected.sum() / len(target)}.items():
        layer = SigmoidFocalLoss(gamma, alpha, reduction=reduction)
        torch.testing.assert_close(layer(logits, target), value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("gamma", "alpha"), PARAMETERS)
def test_gradient(logits: Tensor, target: Tensor, gamma: float, alpha: float, reduction: str) -> None:
    logits.requires_grad_()

    def loss(x: Tensor) -> Tensor:
        return sigmoid_focal_loss(x, target, gamma, alpha, None, reduction)

    assert torch.autograd.gradcheck(loss, logits)


def test_class_weights_scale_value_and_gradient(logits: Tensor, target: Tensor) -> None:
    rows = (target >= 0) & (target < CLASSES)
    logits, target = logits[rows].requires_grad_(), target[rows]
    weight = torch.tensor([0.5, 2.0, 1.5, 3.0], dtype=torch.float64)
    plain = sigmoid_focal_loss(logits, target, 2.0, 0.25, None, "none")
    weighted = sigmoid_focal_loss(logits, target, 2.0, 0.25, weight, "none")
    torch.testing.assert_close(weighted, plain * weight[target][:, None])
    assert torch.autograd.gradcheck(lambda x: sigmoid_focal_loss(x, target, 2.0, 0.25, weight, "sum"), logits)


def test_class_weights_refuse_background(logits: Tensor, target: Tensor) -> None:
    with pytest.raises(ConfigError, match="target 4 is not one of the 4 classes"):
        sigmoid_focal_loss(logits, target, 2.0, 0.25, torch.ones(CLASSES), "sum")


def test_equals_torchvision_at_extreme_logits() -> None:
    logits = torch.tensor([[-200.0, -90.0, 0.0, 90.0, 200.0]]).repeat(2, 1)
    target = torch.tensor([1, 4])
    one_hot = torch.nn.functional.one_hot(target, 5).float()
    values = []
    for loss in (
        sigmoid_focal_loss(logits.requires_grad_(), target, 2.0, 0.25, None, "none"),
        torchvision_loss(logits, one_hot),
    ):
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert gradient.isfinite().all()
        values.append((loss, gradient))
    torch.testing.assert_close(*values)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(logits: Tensor, target: Tensor, dtype: torch.dtype) -> None:
    half = logits.to(dtype).requires_grad_()
    wide = half.detach().float().requires_grad_()
    loss, expected = (sigmoid_focal_loss(x, target, 2.0, 0.25, None, "none") for x in (half, wide))
    assert torch.equal(loss, expected.to(dtype))
    loss.sum().backward()
    expected.sum().backward()
    assert half.grad.dtype == dtype and torch.equal(half.grad, wide.grad.to(dtype))


def test_no_samples() -> None:
    logits = torch.zeros(0, CLASSES, requires_grad=True)
    sigmoid_focal_loss(logits, torch.zeros(0, dtype=torch.long), 2.0, 0.25, None, "sum").backward()
    assert logits.grad.shape == (0, CLASSES)
