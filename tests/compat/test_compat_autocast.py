"""Layers on the stand-ins under automatic mixed precision: near their float32 results, forward and backward."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import (
    CARAFEPack,
    DeformConv2dPack,
    ModulatedDeformConv2dPack,
    ModulatedDeformRoIPoolPack,
    PSAMask,
    RoIAlign,
    RoIPool,
    SoftmaxFocalLoss,
)

ROIS = torch.tensor([[0, 1.0, 2.0, 13.0, 9.0], [1, 0.0, 0.0, 7.0, 15.0]])
TARGET = torch.tensor([0, 2])
CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module, Tensor], Tensor]]] = {
    "carafe": (lambda: CARAFEPack(4, 2, up_kernel=3), lambda op, x: op(x)),
    "deform_conv": (lambda: DeformConv2dPack(4, 4, 3, padding=1), lambda op, x: op(x)),
    "modulated_deform_conv": (lambda: ModulatedDeformConv2dPack(4, 4, 3, padding=1), lambda op, x: op(x)),
    "deform_roi_pool": (lambda: ModulatedDeformRoIPoolPack((2, 2), 4, 8), lambda op, x: op(x, ROIS)),
    "roi_align_max": (lambda: RoIAlign(2, 1.0, 2, "max"), lambda op, x: op(x, ROIS)),
    "roi_pool": (lambda: RoIPool(2), lambda op, x: op(x, ROIS)),
    "psa_mask": (lambda: PSAMask("collect", (1, 1)), lambda op, x: op(x[:, :1])),
    "softmax_focal_loss": (lambda: SoftmaxFocalLoss(2.0, 0.25), lambda op, x: op(x.flatten(2).mean(dim=2), TARGET)),
}


@pytest.mark.parametrize("name", CASES)
def test_near_float32(name: str) -> None:
    torch.manual_seed(0)
    build, run = CASES[name]
    layer, maps = build(), torch.randn(2, 4, 8, 8)
    stem = nn.Conv2d(4, 4, 1)  # gives bfloat16 under autocast
    results = []
    for enabled in (False, True):
        leaf = maps.clone().requires_grad_()
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            output = run(layer, stem(leaf))
            output.float().square().sum().backward()
        results.append([output.float(), leaf.grad, *(p.grad for p in layer.parameters())])
    for half, wide in zip(*reversed(results), strict=True):
        assert half is wide is None or half.isfinite().all()
        if wide is not None:
            scale = wide.abs().max() + 1e-6
            torch.testing.assert_close(half.float() / scale, wide / scale, rtol=0, atol=0.06)
