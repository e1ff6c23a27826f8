"""ResNet against mmdet's, mmseg's, timm's and torchvision's on equal weights: features, statistics and gradients."""

import re
from typing import Any

import pytest
import torch
from backbone_contract import images
from resnet_case import fill_convolutional
from timm.models.resnet import BasicBlock, Bottleneck
from timm.models.resnet import ResNet as TimmResNet
from torch import Tensor, nn
from torchvision.models import resnet as torchvision_resnet

import simmim_eval.compat
from simmim_eval.backbones import ResNet

SIZES = [(64, 64), (61, 45), (20, 130)]
DILATED: list[dict[str, Any]] = [
    {},
    {"strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4)},
    {"strides": (1, 2, 2, 1), "dilations": (1, 1, 1, 2)},
    {"strides": (2, 1, 3, 1), "dilations": (2, 1, 3, 5)},
]


def from_openmmlab(name: str) -> str:
    """Their names are torchvision's but for a deep stem, one sequence ``stem`` with the last norm and all."""
    part = re.fullmatch(r"stem\.(\d)\.(.*)", name)
    if part is None:
        return name
    return f"bn1.{part[2]}" if part[1] == "7" else f"conv1.{part[1]}.{part[2]}"


def assert_equal(ours: ResNet, theirs: nn.Module, x: Tensor, rename: Any = from_openmmlab) -> None:
    """Fill ``theirs``, load ``ours`` with it, and compare both in both modes, in double precision."""
    fill_convolutional(theirs)
    ours.load_state_dict({rename(name): value for name, value in theirs.state_dict().items()}, strict=True)
    ours, theirs, x = ours.double(), theirs.double(), x.double()
    for mode in (False, True):
        ours.train(mode)
        theirs.train(mode)
        maps, expected = ours(x), theirs(x)
        assert len(maps) == len(expected)
        for one, other in zip(maps, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)
        for each in (maps, expected):
            sum(one.pow(2).mean() for one in each).backward()
    for get in ("named_parameters", "named_buffers"):
        other = {rename(name): value for name, value in getattr(theirs, get)()}
        for name, value in getattr(ours, get)():
            torch.testing.assert_close(value, other[name], atol=1e-9, rtol=1e-9)
            if get == "named_parameters":
                torch.testing.assert_close(value.grad, other[name].grad, atol=1e-9, rtol=1e-6)


LAYERS = (1, 2, 2, 1)


def shortened(resnet: type[nn.Module]) -> type[nn.Module]:
    """OpenMMLab's class with fewer blocks: ResNet-18's and 50's kinds."""
    blocks = {depth: block for depth, (block, _) in resnet.arch_settings.items()}
    return type(resnet.__name__, (resnet,), {"arch_settings": {depth: (blocks[depth], LAYERS) for depth in blocks}})


def short_arch(depth: int) -> dict[str, Any]:
    return {"layers": LAYERS, "block": "basic" if depth == 18 else "bottleneck"}


@pytest.fixture(scope="module")
def mmdet_resnet() -> type[nn.Module]:
    simmim_eval.compat.install()
    from mmdet.models.backbones.resnet import ResNet as MmdetResNet

    return MmdetResNet


@pytest.fixture(scope="module")
def mmseg_resnet() -> type[nn.Module]:
    simmim_eval.compat.install()
    from mmseg.models.backbones.resnet import ResNet as MmsegResNet

    return MmsegResNet


@pytest.mark.parametrize(("depth", "style"), [(18, "caffe"), (50, "caffe"), (50, "pytorch")])
@pytest.mark.parametrize("words", [DILATED[0], DILATED[3]])
@pytest.mark.parametrize("deep_stem", [False, True])
@pytest.mark.parametrize("avg_down", [False, True])
def test_equals_mmdet(
    mmdet_resnet: type[nn.Module], depth: int, words: dict[str, Any], deep_stem: bool, avg_down: bool, style: str
) -> None:
    options = {**words, "deep_stem": deep_stem, "avg_down": avg_down, "style": style, "base_channels": 4}
    theirs = shortened(mmdet_resnet)(depth, norm_eval=False, **options)
    size = SIZES[len(str(options)) % len(SIZES)]  # each in turn, not crossed
    assert_equal(ResNet(arch=short_arch(depth), **options), theirs, images(*size))


@pytest.mark.parametrize("depth", [34, 50])
@pytest.mark.parametrize(
    "words",
    [
        {"num_stages": 3, "strides": (1, 2, 2), "dilations": (1, 1, 1), "out_indices": (2,), "style": "caffe"},
        {"num_stages": 1, "strides": (1,), "dilations": (1,), "out_indices": (0,)},
        {"stem_channels": 12, "out_indices": (0, 3)},
    ],
)
def test_equals_mmdet_with_other_stages(mmdet_resnet: type[nn.Module], depth: int, words: dict[str, Any]) -> None:
    theirs = mmdet_resnet(depth, norm_eval=False, base_channels=4, **words)
    ours = ResNet(depth, base_channels=4, **words)
    fill_convolutional(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    for one, other in zip(ours(images(61, 45)), theirs(images(61, 45)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("words", DILATED)
@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("avg_down", [False, True])
def test_equals_mmseg_v1c_and_v1d(
    mmseg_resnet: type[nn.Module], words: dict[str, Any], depth: int, avg_down: bool
) -> None:
    """As its dilated configs want them: the first block of a stage half as dilated."""
    options = {**words, "deep_stem": True, "avg_down": avg_down, "contract_dilation": True, "base_channels": 4}
    theirs = shortened(mmseg_resnet)(depth, stem_channels=8, **options)
    assert_equal(ResNet(arch=short_arch(depth), stem_channels=8, **options), theirs, images(*SIZES[1]))


class Stages(nn.Module):
    """The stages of a classifier of torchvision or timm."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> list[Tensor]:
        stem = ["conv1", "bn1", "relu" if hasattr(self.model, "relu") else "act1", "maxpool"]
        for name in stem:
            x = getattr(self.model, name)(x)
        maps = []
        for i in range(1, 5):
            x = getattr(self.model, f"layer{i}")(x)
            maps.append(x)
        return maps


def plain(name: str) -> str:
    return name.removeprefix("model.")


@pytest.mark.parametrize(
    ("words", "options", "output_stride"),
    [
        ({}, {}, 32),
        ({"deep_stem": True}, {"stem_type": "deep"}, 32),
        ({"deep_stem": True, "avg_down": True}, {"stem_type": "deep", "avg_down": True}, 32),
        (DILATED[2], {}, 16),
        ({**DILATED[1], "deep_stem": True}, {"stem_type": "deep"}, 8),
    ],
)
def test_equals_timm(words: dict[str, Any], options: dict[str, Any], output_stride: int) -> None:
    """Its dilation is a contracted one. (Where it pools and dilates at once it pads otherwise.)"""
    channels = (4, 8, 16, 32)
    theirs = TimmResNet(
        Bottleneck, LAYERS, num_classes=0, channels=channels, stem_width=4, output_stride=output_stride, **options
    )
    stem_channels = 8 if options else 64
    ours = ResNet(arch=short_arch(50), base_channels=4, stem_channels=stem_channels, contract_dilation=True, **words)
    assert_equal(ours, Stages(theirs), images(*SIZES[1]), plain)


@pytest.mark.slow
def test_equals_torchvision_with_dilation() -> None:
    """The first block of its dilated stages keeps the dilation of the stage before."""
    theirs = torchvision_resnet.ResNet(
        torchvision_resnet.Bottleneck, [1, 1, 2, 1], replace_stride_with_dilation=[False, True, True]
    )
    theirs.fc = nn.Identity()
    ours = ResNet(arch={"layers": (1, 1, 2, 1)}, contract_dilation=True, **DILATED[1])
    assert_equal(ours, Stages(theirs), images(20, 24), plain)


def test_equals_torchvision_with_basic_blocks() -> None:
    theirs = torchvision_resnet.ResNet(torchvision_resnet.BasicBlock, [1, 1, 1, 1])
    theirs.fc = nn.Identity()
    assert_equal(ResNet(arch={"layers": (1, 1, 1, 1), "block": "basic"}), Stages(theirs), images(20, 24), plain)


@pytest.mark.parametrize("zero_init_last", [True, False])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_draws_are_timms(block: str, zero_init_last: bool) -> None:
    layers, channels = (1, 1, 2, 1), (4, 8, 16, 32)
    theirs = TimmResNet(
        {"basic": BasicBlock, "bottleneck": Bottleneck}[block],
        layers,
        num_classes=0,
        channels=channels,
        zero_init_last=zero_init_last,
    )
    arch = {"layers": layers, "block": block, "base_channels": 4}
    ours = ResNet(arch=arch, stem_channels=64, zero_init_last=zero_init_last)
    torch.manual_seed(3)
    theirs.init_weights(zero_init_last=zero_init_last)
    torch.manual_seed(3)
    ours.init_weights()
    state = theirs.state_dict()
    assert state.keys() == ours.state_dict().keys()
    assert all(torch.equal(value, state[name]) for name, value in ours.state_dict().items())


def test_a_block_without_its_last_norm_is_its_shortcut() -> None:
    backbone = ResNet(arch="nano").train()
    (block,) = backbone.layer1.children()
    x = images(8, 8).repeat(1, 11, 1, 1)[:, :32].relu()
    assert torch.equal(block(x), x)


def test_drop_path_rises_from_the_first_block_to_the_last() -> None:
    rates = [
        block.drop_path.drop_prob if block.drop_path else 0.0
        for stage in range(1, 5)
        for block in getattr(ResNet(18, base_channels=4, drop_path_rate=0.35), f"layer{stage}")
    ]
    assert rates == pytest.approx([0.05 * i for i in range(8)])
