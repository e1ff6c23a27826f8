"""Groups against the official code's (tests/data/simmim/parameter_groups.json) and published worked values."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from simmim_eval.backbones import Swin
from simmim_eval.optim import Group, param_groups

# Layer -> scales at decay 0.70, 0.80, 0.87, 0.90 of Swin-B/S/L (26 layers), to four digits.
SWIN_BASE_DECAYS = (0.70, 0.80, 0.87, 0.90)
SWIN_BASE_SCALES = {
    0: (0.0001341, 0.003778, 0.03076, 0.07179),
    1: (0.0001916, 0.004722, 0.03536, 0.07977),
    2: (0.0002737, 0.005903, 0.04064, 0.08863),
    3: (0.0003910, 0.007379, 0.04671, 0.09848),
    4: (0.0005585, 0.009223, 0.05369, 0.1094),
    5: (0.0007979, 0.01153, 0.06171, 0.1216),
    13: (0.01384, 0.06872, 0.1880, 0.2824),
    22: (0.3430, 0.5120, 0.6585, 0.7290),
    23: (0.49, 0.64, 0.7569, 0.81),
    24: (0.70, 0.80, 0.87, 0.90),
    25: (1.0, 1.0, 1.0, 1.0),
}
SWIN_BASE_LAYERS = {
    "patch_embed.proj.weight": 0,
    "layers.0.blocks.0.attn.qkv.weight": 1,
    "layers.0.blocks.1.norm1.bias": 2,
    "layers.1.downsample.reduction.weight": 2,
    "layers.1.blocks.0.mlp.fc1.weight": 3,
    "layers.1.blocks.1.mlp.fc1.weight": 4,
    "layers.2.downsample.norm.weight": 4,
    "layers.2.blocks.0.attn.proj.bias": 5,
    "layers.2.blocks.8.attn.relative_position_bias_table": 13,
    "layers.2.blocks.17.mlp.fc2.weight": 22,
    "layers.3.downsample.reduction.weight": 22,
    "layers.3.blocks.0.norm2.weight": 23,
    "layers.3.blocks.1.norm2.weight": 24,
    "norm.weight": 25,
    "norm0.weight": 25,
    "norm2.bias": 25,
}
# The same for Swin-T (14 layers), a row a layer, at decay 0.65 and 0.70.
SWIN_TINY_DECAYS = (0.65, 0.70)
SWIN_TINY_SCALES = (
    (0.003697, 0.009689),
    (0.005688, 0.01384),
    (0.008751, 0.01977),
    (0.01346, 0.02825),
    (0.02071, 0.04035),
    (0.03186, 0.05765),
    (0.04902, 0.08235),
    (0.07542, 0.1176),
    (0.1160, 0.1681),
    (0.1785, 0.2401),
    (0.2746, 0.3430),
    (0.4225, 0.49),
    (0.65, 0.70),
    (1.0, 1.0),
)
SWIN_TINY_MERGINGS = {1: 2, 2: 4, 3: 10}


class Classifier(nn.Module):
    """The least that has a backbone and something outside it."""

    def __init__(self, backbone: nn.Module, num_classes: int = 5) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.channels[-1], num_classes)


def by_name(groups: list[Group]) -> dict[str, Group]:
    return {name: group for group in groups for name in group.params}


def narrow(depths: tuple[int, ...], **options: Any) -> Swin:
    """The depths decide; the width is kept small."""
    arch = dict(embed_dim=8, depths=depths, num_heads=(1, 2, 2, 4), window_size=4)
    return Swin(arch=arch, **options)


def official_name(ours: str) -> str:
    name = ours.removeprefix("backbone.")
    return re.sub(r"layers\.(\d)\.downsample", lambda stage: f"layers.{int(stage[1]) - 1}.downsample", name)


@pytest.fixture(scope="module")
def reference(data_dir: Path) -> dict[str, Any]:
    return json.loads((data_dir / "simmim" / "parameter_groups.json").read_text())["parameter_groups"]


def test_equals_the_official_fine_tuning_groups(reference: dict[str, Any]) -> None:
    official = reference["swin_finetune"]
    model = Classifier(narrow(tuple(official["depth"]), out_indices=(3,)))
    groups = param_groups(model, official["base_lr"], official["weight_decay"], official["layer_decay"])
    ours = {official_name(name): group for name, group in by_name(groups).items()}
    assert ours.keys() == official["parameters"].keys()
    for name, expected in official["parameters"].items():
        assert ours[name].layer == expected["layer"], name
        assert ours[name].lr == pytest.approx(expected["lr"], rel=1e-12), name
        assert ours[name].weight_decay == expected["weight_decay"], name
    assert [group.name for group in groups[:4]] == [
        "layer_0_decay",
        "layer_0_no_decay",
        "layer_1_no_decay",
        "layer_1_decay",
    ]


def test_equals_the_official_full_size_layers(reference: dict[str, Any]) -> None:
    layers = reference["full_size_layers"]["simmim_finetune__swin_base__img224_window7__800ep"]
    model = Classifier(narrow((2, 2, 18, 2)))
    groups = param_groups(model, 5e-3, 0.05, 0.8)
    assert {str(group.layer) for group in groups} == layers.keys()
    for group in groups:
        assert group.lr == pytest.approx(layers[str(group.layer)]["lr_at_batch_2048"], rel=1e-12)


@pytest.mark.parametrize("column", range(4))
def test_worked_values_of_swin_base(column: int) -> None:
    groups = by_name(param_groups(Classifier(narrow((2, 2, 18, 2))), 1.0, 0.05, SWIN_BASE_DECAYS[column]))
    for name, layer in SWIN_BASE_LAYERS.items():
        group = groups[f"backbone.{name}"]
        assert group.layer == layer, name
        assert group.lr == pytest.approx(SWIN_BASE_SCALES[layer][column], rel=5e-4), name
    assert groups["head.weight"].lr == 1.0


@pytest.mark.parametrize("column", range(2))
def test_worked_values_of_swin_tiny(column: int) -> None:
    groups = param_groups(Classifier(narrow((2, 2, 6, 2))), 1.0, 0.05, SWIN_TINY_DECAYS[column])
    assert {group.layer for group in groups} == set(range(14))
    for group in groups:
        assert group.lr == pytest.approx(SWIN_TINY_SCALES[group.layer][column], rel=5e-4)
    for stage, layer in SWIN_TINY_MERGINGS.items():
        assert by_name(groups)[f"backbone.layers.{stage}.downsample.reduction.weight"].layer == layer
