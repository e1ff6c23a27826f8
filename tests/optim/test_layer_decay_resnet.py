"""ResNet's two published rules: worked values, timm's grouping, and what surrounds the backbone."""

from typing import Any

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from timm.models import group_parameters
from timm.models.resnet import BasicBlock, Bottleneck
from timm.models.resnet import ResNet as TimmResNet
from torch import nn

from simmim_eval.backbones import Frames, ResNet, ResNetSlowOnly
from simmim_eval.optim import Group, param_groups

# Layers of ResNet-50 and their scales, to four digits.
GROUP_DECAYS = (0.6, 0.7, 0.8, 0.9)
GROUP_SCALES = (
    (("conv1", "bn1"), (0.02799, 0.08235, 0.2097, 0.4783)),
    (("layer1.0", "layer1.1", "layer1.2"), (0.04666, 0.1176, 0.2621, 0.5314)),
    (("layer2.0", "layer2.1"), (0.07776, 0.1681, 0.3277, 0.5905)),
    (("layer2.2", "layer2.3"), (0.1296, 0.2401, 0.4096, 0.6561)),
    (("layer3.0", "layer3.1", "layer3.2"), (0.2160, 0.3430, 0.5120, 0.7290)),
    (("layer3.3", "layer3.4", "layer3.5"), (0.36, 0.49, 0.64, 0.81)),
    (("layer4.0", "layer4.1", "layer4.2"), (0.6, 0.7, 0.8, 0.9)),
    (("head",), (1.0, 1.0, 1.0, 1.0)),
)
BLOCK_DECAYS = (0.8, 0.9)
BLOCK_SCALES = {
    0: (("conv1", "bn1"), (0.02252, 0.1668)),
    1: (("layer1.0",), (0.02815, 0.1853)),
    4: (("layer2.0",), (0.05498, 0.2542)),
    8: (("layer3.0",), (0.1342, 0.3874)),
    13: (("layer3.5",), (0.4096, 0.6561)),
    14: (("layer4.0",), (0.5120, 0.7290)),
    16: (("layer4.2",), (0.8, 0.9)),
    17: (("head",), (1.0, 1.0)),
}
# Layer of the first block of each run of blocks under "group", and the head's.
GROUPS: dict[int, tuple[dict[str, int], int]] = {
    18: ({"layer1.0": 1, "layer2.0": 2, "layer3.0": 3, "layer4.0": 4}, 5),
    34: ({"layer1.0": 1, "layer2.0": 2, "layer2.2": 3, "layer3.0": 4, "layer3.3": 5, "layer4.0": 6}, 7),
    50: ({"layer1.0": 1, "layer2.0": 2, "layer2.2": 3, "layer3.0": 4, "layer3.3": 5, "layer4.0": 6}, 7),
    101: (
        {"layer1.0": 1, "layer2.0": 2, "layer2.2": 3}
        | {f"layer3.{3 * i}": 4 + i for i in range(8)}  # the last has two of the 23 blocks
        | {"layer4.0": 12},
        13,
    ),
    152: (
        {"layer1.0": 1, "layer2.0": 2, "layer2.4": 3} | {f"layer3.{4 * i}": 4 + i for i in range(9)} | {"layer4.0": 13},
        14,
    ),
}


class Classifier(nn.Module):
    """The least that has a backbone and something outside it."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.channels[-1], 5)


def narrow(depth: int = 50, family: type[nn.Module] = ResNet, **options: Any) -> nn.Module:
    """The depth decides; the width is kept small."""
    return family(depth, base_channels=4, **options)


def by_block(groups: list[Group], prefix: str = "backbone.") -> dict[str, Group]:
    """Groups by stem layer, block or head; every parameter of one is in one layer."""
    found: dict[str, Group] = {}
    for group in groups:
        for name in group.params:
            parts = name.removeprefix(prefix).split(".")
            block = ".".join(parts[:2]) if parts[0].startswith("layer") else parts[0]
            assert found.setdefault(block, group).layer == group.layer, name
    return found


@pytest.mark.parametrize("column", range(4))
def test_worked_values_of_groups(column: int) -> None:
    model = Classifier(narrow(decay_rule="group"))
    found = by_block(param_groups(model, 1.0, 0.05, GROUP_DECAYS[column]))
    assert found.keys() == {block for blocks, _ in GROUP_SCALES for block in blocks}
    for layer, (blocks, scales) in enumerate(GROUP_SCALES):
        for block in blocks:
            assert found[block].layer == layer, block
            assert found[block].lr == pytest.approx(scales[column], rel=5e-4), block


@pytest.mark.parametrize("column", range(2))
def test_worked_values_of_blocks(column: int) -> None:
    model = Classifier(narrow())
    groups = param_groups(model, 1.0, 0.05, BLOCK_DECAYS[column])
    assert {group.layer for group in groups} == set(range(18))
    found = by_block(groups)
    for layer, (blocks, scales) in BLOCK_SCALES.items():
        for block in blocks:
            assert found[block].layer == layer, block
            assert found[block].lr == pytest.approx(scales[column], rel=5e-4), block


@pytest.mark.parametrize("depth", GROUPS)
def test_groups_of_every_depth(depth: int) -> None:
    firsts, head = GROUPS[depth]
    with torch.device("meta"):
        found = by_block(param_groups(Classifier(narrow(depth, decay_rule="group")), 1.0, 0.05, 0.7))
    blocks = [block for block in found if block.startswith("layer")]
    expected = 0
    for block in blocks:
        expected = firsts.get(block, expected)
        assert found[block].layer == expected, block
    assert firsts.keys() <= set(blocks)
    assert (found["conv1"].layer, found["bn1"].layer, found["head"].layer) == (0, 0, head)


@pytest.mark.parametrize("depth", GROUPS)
def test_blocks_are_timms(depth: int) -> None:
    with torch.device("meta"):
        ours = narrow(depth)
        block = {18: BasicBlock, 34: BasicBlock}.get(depth, Bottleneck)
        theirs = TimmResNet(block, ours.design.layers, num_classes=0)
    layers = group_parameters(theirs, theirs.group_matcher(), reverse=True)
    assert layers == {name: ours.layer_id(name) for name, _ in ours.named_parameters()}
    assert ours.num_layers == max(layers.values()) + 2


@pytest.mark.parametrize(("rule", "expected"), [("block", [1, 2, 3, 4]), ("group", [1, 1, 2, 2])])
def test_fewer_stages_have_fewer_layers(rule: str, expected: list[int]) -> None:
    backbone = narrow(18, num_stages=2, decay_rule=rule)
    layers = [backbone.layer_id(f"layer{stage}.{block}.conv1.weight") for stage in (1, 2) for block in (0, 1)]
    assert layers == expected
    assert backbone.num_layers == expected[-1] + 2


@pytest.mark.parametrize("rule", ["block", "group"])
@pytest.mark.parametrize("words", [{}, {"deep_stem": True, "avg_down": True}, {"use_mask_token": True}])
def test_stem_norms_and_token(rule: str, words: dict[str, Any]) -> None:
    """All of the stem is layer 0; norms, biases and the token do not decay; a shortcut is part of its block."""
    backbone = narrow(50, decay_rule=rule, **words)
    assert backbone.decay_rule == rule
    groups = param_groups(Classifier(backbone), 1.0, 0.05, 0.7)
    for group in groups:
        for name, parameter in group.params.items():
            assert group.weight_decay == (0.0 if parameter.ndim == 1 or name.endswith("mask_token") else 0.05), name
            if name.startswith(("backbone.conv1.", "backbone.bn1.", "backbone.mask_token")):
                assert group.layer == 0, name
    layer = backbone.layer_id("layer2.0.conv1.weight")
    shortcuts = [name for name, _ in backbone.named_parameters() if name.startswith("layer2.0.downsample")]
    assert len(shortcuts) == 3
    assert {backbone.layer_id(name) for name in shortcuts} == {layer}


def test_frozen_stages_keep_the_layers_of_the_whole_network() -> None:
    whole, frozen = (
        {
            name: (group.layer, group.lr)
            for group in param_groups(Classifier(backbone), 1.0, 0.05, 0.7)
            for name in group.params
        }
        for backbone in (narrow(decay_rule="group"), narrow(decay_rule="group", frozen_stages=1))
    )
    gone = {name for name in whole if name.startswith(("backbone.conv1", "backbone.bn1", "backbone.layer1"))}
    assert frozen == {name: value for name, value in whole.items() if name not in gone}


@pytest.mark.parametrize("rule", ["block", "group"])
def test_frames_and_clips_have_the_layers_of_images(rule: str) -> None:
    image = by_block(param_groups(Classifier(narrow(decay_rule=rule)), 1.0, 0.05, 0.7))
    clip = by_block(param_groups(Classifier(narrow(family=ResNetSlowOnly, decay_rule=rule)), 1.0, 0.05, 0.7))
    config = dict(type="simmim_eval.ResNet", depth=50, base_channels=4, decay_rule=rule)
    frames = by_block(param_groups(Classifier(Frames(config)), 1.0, 0.05, 0.7), "backbone.backbone.")
    for other in (clip, frames):
        assert {block: (group.layer, group.lr) for block, group in other.items()} == {
            block: (group.layer, group.lr) for block, group in image.items()
        }


def test_frames_of_a_swin() -> None:
    config = dict(type="simmim_eval.Swin", arch="nano", out_indices=(2,))
    groups = param_groups(Classifier(Frames(config)), 1.0, 0.05, 0.5)
    found = {name: group for group in groups for name in group.params}
    table = found["backbone.backbone.layers.0.blocks.0.attn.relative_position_bias_table"]
    assert (table.layer, table.lr, table.weight_decay) == (1, 0.5**4, 0.0)
    assert found["backbone.backbone.norm.weight"].layer == found["head.weight"].layer == 5


def test_an_optimiser_takes_the_groups() -> None:
    config = dict(
        constructor="simmim_eval.LayerDecayConstructor",
        paramwise_cfg=dict(layer_decay=0.7),
        optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4),
    )
    model = Classifier(narrow(decay_rule="group"))
    optimizer = build_optim_wrapper(model, config).optimizer
    assert {group["layer"] for group in optimizer.param_groups} == set(range(8))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))
    stem = next(group for group in optimizer.param_groups if group["name"] == "layer_0_decay")
    assert stem["lr"] == pytest.approx(0.1 * 0.7**7)
