"""ViTDet's pyramid against its definition, written out."""

import math

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch.nn import functional as F

import simmim_eval.compat  # noqa: F401
from simmim_eval.errors import ConfigError
from simmim_eval.transfer.detection.simple_pyramid import SimplePyramid


def doubled(x, weight, bias):
    """Each cell becomes 2 x 2 cells; weight (in, out, 2, 2)."""
    B, _, H, W = x.shape
    out = torch.zeros(B, weight.shape[1], 2 * H, 2 * W, dtype=x.dtype)
    for row in (0, 1):
        for column in (0, 1):
            out[:, :, row::2, column::2] = torch.einsum("bchw,co->bohw", x, weight[:, :, row, column])
    return out + bias[:, None, None]


def normed(x, weight, bias, eps=1e-6):
    centred = x - x.mean(1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(1, keepdim=True) + eps) * weight[:, None, None] + bias[:, None, None]


def gelu(x):
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def halved(x):
    H, W = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    quarters = [x[:, :, row:H:2, column:W:2] for row in (0, 1) for column in (0, 1)]
    return torch.stack(quarters).amax(0)


def level(x, parameters):
    pointwise, first_weight, first_bias, conv, second_weight, second_bias = parameters
    x = normed(torch.einsum("bchw,oc->bohw", x, pointwise[:, :, 0, 0]), first_weight, first_bias)
    return normed(F.conv2d(x, conv, padding=1), second_weight, second_bias)


def reference(neck, x):
    fine, double, same, half = ([p.detach() for p in branch.parameters()] for branch in neck.branches)
    up = gelu(normed(doubled(x, fine[0], fine[1]), fine[2], fine[3]))
    levels = [
        level(doubled(up, fine[4], fine[5]), fine[6:]),
        level(doubled(x, double[0], double[1]), double[2:]),
        level(x, same),
        level(halved(x), half),
    ]
    last = levels[-1]
    rows, columns = range(0, last.shape[2], 2), range(0, last.shape[3], 2)
    fifth = torch.stack([torch.stack([last[:, :, r, c] for c in columns], -1) for r in rows], -2)
    return [*levels, fifth]


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 3), (2, 2)])
def test_equals_its_definition(height, width):
    torch.manual_seed(0)
    neck = SimplePyramid(in_channels=8, out_channels=6).double()
    for parameter in neck.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, 8, height, width, dtype=torch.float64)
    levels = neck((x,))
    expected = reference(neck, x)
    assert [tuple(one.shape[2:]) for one in levels] == [
        (4 * height, 4 * width),
        (2 * height, 2 * width),
        (height, width),
        (height // 2, width // 2),
        (-(-(height // 2) // 2), -(-(width // 2) // 2)),
    ]
    for ours, theirs in zip(levels, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_parameters_at_vit_base():
    neck = MODELS.build(dict(type="simmim_eval.SimplePyramid", in_channels=768))
    C, out = 768, 256
    up = 4 * C * (C // 2) + C // 2
    fine = up + 2 * (C // 2) + 4 * (C // 2) * (C // 4) + C // 4
    ends = sum(channels * out + 9 * out * out + 4 * out for channels in (C // 4, C // 2, C, C))
    assert sum(p.numel() for p in neck.parameters()) == fine + up + ends


def test_every_level_reaches_its_parameters():
    neck = SimplePyramid(in_channels=8, out_channels=4)
    sum(one.square().sum() for one in neck([torch.randn(1, 8, 4, 4)])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in neck.parameters())


def test_more_than_one_map_and_odd_channels():
    with pytest.raises(ConfigError, match=r"gives 4 maps, .*out_indices"):
        SimplePyramid(8, 4)([torch.zeros(1, 8, 4, 4)] * 4)
    with pytest.raises(ConfigError, match="in_channels is 6"):
        SimplePyramid(6)


def test_layer_norm_in_a_head_of_mmdet():
    from mmdet.models import Shared4Conv1FCBBoxHead

    with DefaultScope.overwrite_default_scope("mmdet"):
        head = Shared4Conv1FCBBoxHead(
            in_channels=4,
            conv_out_channels=4,
            fc_out_channels=8,
            num_classes=3,
            norm_cfg=dict(type="simmim_eval.LayerNorm2d", eps=1e-6),
        )
    norm = head.shared_convs[0].norm
    x = torch.randn(2, 4, 7, 7)
    torch.testing.assert_close(norm(x), normed(x, norm.weight, norm.bias))
    assert norm.eps == 1e-6
