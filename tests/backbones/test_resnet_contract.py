"""ResNet keeps the contract with both kinds of block, and refuses what it cannot be."""

from typing import Any

import pytest
import torch
from backbone_contract import images
from mmengine.model import convert_sync_batchnorm
from resnet_case import BatchNormContract
from torch import nn

from simmim_eval.backbones import ResNet
from simmim_eval.errors import ConfigError


class TestNano(BatchNormContract):
    config = {"type": "simmim_eval.ResNet", "arch": "nano"}
    stem = "conv1.weight"


class TestEveryOption(BatchNormContract):
    config = {
        "type": "simmim_eval.ResNet",
        "arch": {"layers": [1, 2, 2], "block": "bottleneck", "base_channels": 8},
        "stem_channels": 12,
        "strides": (1, 2, 1),
        "dilations": (1, 1, 2),
        "contract_dilation": True,
        "deep_stem": True,
        "avg_down": True,
        "style": "caffe",
        "decay_rule": "group",
    }
    stem = "conv1.4.bias"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"depth": 19}, r"backbone\.depth is 19; expected one of 18, 34, 50, 101, 152"),
        ({"depth": 50, "arch": "nano"}, r"backbone\.depth is 50 and backbone\.arch is 'nano'; expected one of them"),
        ({"arch": "resnet51"}, r"backbone\.arch is 'resnet51'; did you mean .*resnet50"),
        ({"arch": {"block": "basic"}}, r"backbone\.arch lacks 'layers'"),
        ({"arch": {"layers": (1, 1), "blocks": "basic"}}, r"backbone\.arch has 'blocks'; did you mean block"),
        ({"arch": {"layers": (1, 0)}}, r"backbone\.arch\.layers is \(1, 0\); expected whole numbers above 0"),
        ({"arch": {"layers": 3}}, r"backbone\.arch\.layers is 3; expected whole numbers above 0"),
        ({"arch": {"layers": (1,), "block": "wide"}}, r"backbone\.arch\.block is 'wide'"),
        ({"arch": {"layers": (1,), "base_channels": 0}}, r"backbone\.base_channels is \(0,\)"),
        ({"depth": 18, "num_stages": 5}, r"backbone\.num_stages is 5; this architecture has 1 to 4"),
        ({"depth": 18, "num_stages": 0}, r"backbone\.num_stages is 0"),
        ({"depth": 18, "strides": (1, 2)}, r"backbone\.strides is \(1, 2\); .* each of the 4 stages.*\(1, 2, 2, 2\)"),
        ({"depth": 18, "num_stages": 3, "dilations": (1, 1, 1, 1)}, r"backbone\.dilations is .*each of the 3 stages"),
        ({"depth": 18, "dilations": (1, 1, 1, 0)}, r"backbone\.dilations is .*whole numbers above 0"),
        ({"depth": 18, "style": "tensorflow"}, r"backbone\.style is 'tensorflow'; known: caffe, pytorch"),
        ({"depth": 18, "decay_rule": "stage"}, r"backbone\.decay_rule is 'stage'; known: block, group"),
        ({"depth": 18, "drop_path_rate": 1.0}, r"backbone\.drop_path_rate is 1\.0"),
        (
            {"depth": 18, "stem_channels": 33, "deep_stem": True},
            r"backbone\.stem_channels is 33.*Choose an even number",
        ),
        ({"depth": 18, "frozen_stages": 5}, r"backbone\.frozen_stages is 5; expected -1 \(none\) to 4"),
        ({"depth": 18, "num_stages": 2, "out_indices": (2,)}, r"backbone\.out_indices is \(2,\).*from 0 to 1"),
    ],
)
def test_what_does_not_exist_is_refused(words: dict[str, Any], message: str) -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match=message):
        ResNet(**words)


# With a head of 1000 classes; published, in millions.
@pytest.mark.parametrize(
    ("depth", "millions"), [(None, 25.56), (18, 11.69), (34, 21.80), (50, 25.56), (101, 44.55), (152, 60.19)]
)
def test_full_size_counts(depth: int | None, millions: float) -> None:
    with torch.device("meta"):
        backbone = ResNet(depth)
    count = sum(parameter.numel() for parameter in backbone.parameters())
    count += 1000 * (backbone.channels[-1] + 1)
    assert count / 1e6 == pytest.approx(millions, rel=1e-3)


def test_a_name_and_a_depth_are_the_same_network() -> None:
    with torch.device("meta"):
        shapes = [
            {name: value.shape for name, value in backbone.state_dict().items()}
            for backbone in (ResNet(101), ResNet(arch="resnet101"), ResNet(arch={"layers": [3, 4, 23, 3]}))
        ]
    assert shapes[0] == shapes[1] == shapes[2]


def test_the_networks_of_the_simmim_paper() -> None:
    """Four times as wide as ResNet-50, the stem too."""
    with torch.device("meta"):
        backbone = ResNet(50, base_channels=256)
    assert backbone.channels == (1024, 2048, 4096, 8192)
    assert backbone.conv1.out_channels == 256


def test_nano_is_a_demo() -> None:
    backbone = ResNet(arch="nano")
    assert 5e5 < sum(parameter.numel() for parameter in backbone.parameters()) < 1e6
    assert (backbone.feature_strides, backbone.channels) == ((4, 8, 16), (32, 64, 128))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 64), (65, 31)])
@pytest.mark.parametrize("words", [{}, {"strides": (1, 3, 2), "deep_stem": True, "avg_down": True}])
def test_tiny_and_odd_images(size: tuple[int, int], words: dict[str, Any]) -> None:
    backbone = ResNet(arch="nano", **words).eval()
    for each, stride in zip(backbone(images(*size)), backbone.feature_strides, strict=True):
        assert tuple(each.shape[2:]) == tuple(-(-side // stride) for side in size)
        assert each.isfinite().all()


def test_dilation_keeps_the_resolution_that_its_strides_give_up() -> None:
    backbone = ResNet(18, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)).eval()
    assert backbone.feature_strides == (4, 8, 8, 8)
    assert [each.shape[-1] for each in backbone(images(40, 72))] == [18, 9, 9, 9]


def test_mmengine_exchanges_the_norms_for_synchronised_ones() -> None:
    """As its runner does for ``sync_bn="torch"``: names and values stay, and so do frozen and resting norms."""
    plain = ResNet(arch="nano", norm_eval=True, frozen_stages=1)
    state = {name: value.clone() for name, value in plain.state_dict().items()}
    expected = plain.train()(images(48, 48))
    synchronised = convert_sync_batchnorm(plain, "torch").train()
    assert synchronised.state_dict().keys() == state.keys()
    assert all(torch.equal(state[name], value) for name, value in synchronised.state_dict().items())
    norms = [module for module in synchronised.modules() if isinstance(module, nn.SyncBatchNorm)]
    assert len(norms) == sum(name.endswith("running_mean") for name in state)
    assert not any(norm.training for norm in norms)
    assert not synchronised.bn1.weight.requires_grad
    for one, other in zip(synchronised(images(48, 48)), expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
