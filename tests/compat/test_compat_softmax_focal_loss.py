"""softmax_focal_loss of mmcv.ops against its formula in plain numbers, and its gradient."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import SoftmaxFocalLoss, softmax_focal_loss

from simmim_eval.errors import ConfigError

CLASSES = 4
TARGET = [0, 3, 1, -1, 3, 2]
PARAMETERS = [(2.0, 0.25), (0.5, 0.3), (0.0, 1.0), (3.0, 0.9)]
WEIGHT = [0.5, 2.0, 1.5, 3.0]


def naive_loss(logits: Tensor, gamma: float, alpha: float, weight: list[float]) -> list[float]:
    losses = []
    for values, label in zip(logits.tolist(), TARGET, strict=True):
        p = math.exp(values[label]) / sum(map(math.exp, values))
        losses.append(-alpha * weight[label] * (1 - p) ** gamma * math.log(p) if label >= 0 else 0.0)
    return losses


@pytest.fixture
def logits() -> Tensor:
    """(6, 4) float64."""
    return 3 * torch.randn(len(TARGET), CLASSES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def target() -> Tensor:
    return torch.tensor(TARGET)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize(("gamma", "alpha"), PARAMETERS)
def test_loss_is_the_formula(logits: Tensor, target: Tensor, gamma: float, alpha: float, weight) -> None:
    expected = torch.tensor(naive_loss(logits, gamma, alpha, weight or [1.0] * CLASSES), dtype=torch.float64)
    factors = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    for reduction, value in {"none": expected, "sum": expected.sum(), "mean": expected.sum() / len(target)}.items():
        layer = SoftmaxFocalLoss(gamma, alpha, factors, reduction)
        torch.testing.assert_close(layer(logits, target), value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("reduction", ["mean", "sum"])  # mmcv's own code multiplies wrongly for "none"
@pytest.mark.parametrize(("gamma", "alpha"), PARAMETERS)
def test_gradient(logits: Tensor, target: Tensor, gamma: float, alpha: float, reduction: str, weight) -> None:
    factors = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: softmax_focal_loss(x, target, gamma, alpha, factors, reduction), logits)


def test_without_focus_it_is_cross_entropy(logits: Tensor, target: Tensor) -> None:
    expected = functional.cross_entropy(logits, target, ignore_index=-1, reduction="sum")
    torch.testing.assert_close(softmax_focal_loss(logits, target, 0.0, 1.0, None, "sum"), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_sure_samples_have_finite_gradients(gamma: float) -> None:
    logits = torch.tensor([[500.0, 0.0], [0.0, 500.0]], requires_grad=True)
    softmax_focal_loss(logits, torch.tensor([0, 0]), gamma, 0.25, None, "sum").backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0].abs().sum() == 0 and logits.grad[1].abs().sum() > 0


def test_a_class_that_does_not_exist_is_refused(logits: Tensor, target: Tensor) -> None:
    target[2] = CLASSES
    with pytest.raises(ConfigError, match="target 4 is not one of the 4 classes"):
        softmax_focal_loss(logits, target, 2.0, 0.25, None, "sum")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_near(logits: Tensor, target: Tensor, dtype: torch.dtype) -> None:
    half = logits.to(dtype).requires_grad_()  # mmcv takes the softmax in half precision
    wide = half.detach().float().requires_grad_()
    loss, expected = (softmax_focal_loss(x, target, 2.0, 0.25, None, "sum") for x in (half, wide))
    loss.backward()
    expected.backward()
    torch.testing.assert_close(loss.float(), expected, rtol=0.05, atol=0.05)
    assert half.grad.dtype == dtype
    torch.testing.assert_close(half.grad.float(), wide.grad, rtol=0.05, atol=0.05)


def test_no_samples() -> None:
    logits = torch.zeros(0, CLASSES, requires_grad=True)
    softmax_focal_loss(logits, torch.zeros(0, dtype=torch.long), 2.0, 0.25, None, "sum").backward()
    assert logits.grad.shape == (0, CLASSES)
