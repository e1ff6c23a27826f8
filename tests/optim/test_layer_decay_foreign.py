"""Stock backbones of mmdet, mmseg and mmaction2: the published layers, or a refusal."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import nn

from simmim_eval.backbones import ResNet, Swin
from simmim_eval.errors import ConfigError
from simmim_eval.optim import Group, param_groups

# Swin-T at decay 0.70 and ResNet-50 (a layer a block) at 0.8, as published, to four digits.
SWIN_SCALES = (
    *(0.009689, 0.01384, 0.01977, 0.02825, 0.04035, 0.05765, 0.08235),
    *(0.1176, 0.1681, 0.2401, 0.3430, 0.49, 0.70, 1.0),
)
RESNET_SCALES = {0: 0.02252, 1: 0.02815, 4: 0.05498, 8: 0.1342, 13: 0.4096, 14: 0.5120, 16: 0.8, 17: 1.0}
RESNET_LAYERS = {"layer1.0": 1, "layer2.0": 4, "layer3.0": 8, "layer3.5": 13, "layer4.0": 14, "layer4.2": 16}


class Stock(nn.Module):
    """A backbone and a head, as a detector holds them."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = nn.Conv2d(4, 4, 1)


def stock(package: str, kind: str, **words: Any) -> nn.Module:
    import simmim_eval.compat  # noqa: F401  before the libraries, which need mmcv's operators

    build: Callable[..., nn.Module] = getattr(import_module(f"{package}.models.backbones"), kind)
    return build(**words)


def groups_by_name(model: nn.Module, layer_decay: float) -> dict[str, Group]:
    groups = {name: group for group in param_groups(model, 1.0, 0.05, layer_decay) for name in group.params}
    assert groups.keys() == {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return groups


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "kind", "words", "stages"),
    [
        ("mmdet", "SwinTransformer", {"embed_dims": 12}, "stages"),
        ("mmseg", "SwinTransformer", {"embed_dims": 12, "use_abs_pos_embed": True}, "stages"),
        (
            "mmaction",
            "SwinTransformer3D",
            {"arch": {"embed_dims": 12, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]}, "pretrained": None},
            "layers",
        ),
    ],
)
def test_swin(package: str, kind: str, words: dict[str, Any], stages: str) -> None:
    groups = groups_by_name(Stock(stock(package, kind, **words)), 0.70)
    ours = Swin(arch=dict(embed_dim=12, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24)))
    layers: dict[str, int] = {}
    for name, group in groups.items():
        part = name.removeprefix("backbone.")
        assert group.lr == pytest.approx(SWIN_SCALES[group.layer], rel=5e-4), name
        if "blocks" in part:
            assert group.layer == ours.layer_id("layers." + ".".join(part.split(".")[1:4]) + ".norm1.weight"), name
        layers[part] = group.layer
    assert set(layers.values()) == set(range(14))
    for stage, layer in enumerate((2, 4, 10)):
        assert layers[f"{stages}.{stage}.downsample.reduction.weight"] == layer
        assert layers[f"{stages}.{stage}.downsample.norm.bias"] == layer
    assert layers["norm3.weight"] == groups["neck.weight"].layer == 13
    assert {layer for name, layer in layers.items() if name.startswith("patch_embed.")} == {0}
    tables = [name for name in groups if name.endswith(("relative_position_bias_table", "absolute_pos_embed"))]
    assert len(tables) == 12 + ("use_abs_pos_embed" in words)
    assert all(groups[name].weight_decay == 0.0 for name in tables)
    assert groups[f"backbone.{stages}.1.downsample.reduction.weight"].weight_decay == 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "kind", "words"),
    [
        ("mmdet", "ResNet", {"depth": 50, "base_channels": 8, "stem_channels": 8}),
        ("mmdet", "ResNetV1d", {"depth": 50, "base_channels": 8, "stem_channels": 8}),
        ("mmdet", "ResNeXt", {"depth": 50, "groups": 4, "base_width": 4}),
        ("mmseg", "ResNet", {"depth": 50, "base_channels": 8, "stem_channels": 8}),
        ("mmseg", "ResNetV1c", {"depth": 50, "base_channels": 8, "stem_channels": 8}),
        ("mmaction", "ResNet", {"depth": 50}),
        ("mmaction", "ResNet3dSlowOnly", {"depth": 50, "pretrained": None, "base_channels": 8, "lateral": False}),
    ],
)
def test_resnet(package: str, kind: str, words: dict[str, Any]) -> None:
    groups = groups_by_name(Stock(stock(package, kind, **words)), 0.8)
    with torch.device("meta"):
        ours = ResNet(50)
    layers = {name.removeprefix("backbone."): group.layer for name, group in groups.items()}
    for name, layer in layers.items():
        if name.startswith("layer"):
            assert layer == ours.layer_id(".".join(name.split(".")[:2]) + ".conv1.weight"), name
        elif not name.startswith("neck"):
            assert layer == 0, name
    assert {layer for name, layer in layers.items() if name.startswith("neck.")} == {17}
    for block, layer in RESNET_LAYERS.items():
        assert {value for name, value in layers.items() if name.startswith(f"{block}.")} == {layer}
    for group in groups.values():
        assert group.lr == pytest.approx(RESNET_SCALES.get(group.layer, group.lr), rel=5e-4)


@pytest.mark.slow
def test_frozen_stages_of_a_stock_backbone_shift_nothing() -> None:
    words = {"depth": 18, "base_channels": 8, "stem_channels": 8}
    whole = groups_by_name(Stock(stock("mmdet", "ResNet", **words)), 0.8)
    frozen = groups_by_name(Stock(stock("mmdet", "ResNet", frozen_stages=2, **words)), 0.8)
    assert "backbone.layer2.1.conv1.weight" not in frozen
    assert {name: whole[name].layer for name in frozen} == {name: group.layer for name, group in frozen.items()}


@pytest.mark.slow
def test_other_stock_backbones_are_refused() -> None:
    for package, kind, words in (
        ("mmdet", "RegNet", {"arch": "regnetx_400mf"}),
        ("mmseg", "MobileNetV2", {}),
        ("mmdet", "Res2Net", {"depth": 50, "scales": 2, "base_width": 8}),
    ):
        model = Stock(stock(package, kind, **words))
        with pytest.raises(ConfigError, match=rf"backbone {kind} has no layer_id.*Set layer_decay=1\.0"):
            param_groups(model, 1.0, 0.05, 0.9)
        assert {group.layer for group in param_groups(model, 1.0, 0.05, 1.0)} == {0}


def lookalike(**extra: nn.Module) -> nn.Module:
    """A class of the full name of mmdet's ResNet, with the least that one has."""
    kind = type("ResNet", (nn.Module,), {"__module__": "mmdet.models.backbones.resnet"})
    backbone: nn.Module = kind()
    for name, module in {
        "conv1": nn.Conv2d(3, 4, 3),
        "layer1": nn.ModuleList([nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)]),
        "layer2": nn.ModuleList([nn.Conv2d(4, 4, 1)]),
        **extra,
    }.items():
        backbone.add_module(name, module)
    return backbone


def test_a_known_class_is_known_by_its_full_name() -> None:
    groups = groups_by_name(Stock(lookalike()), 0.5)
    assert [groups[f"backbone.{name}.weight"].layer for name in ("conv1", "layer1.0", "layer1.1", "layer2.0")] == [
        *range(4)
    ]
    assert groups["neck.weight"].layer == 4
    derived = type("Derived", (type(lookalike()),), {})()
    derived.add_module("conv1", nn.Conv2d(3, 4, 3))
    with pytest.raises(ConfigError, match="backbone Derived has no layer_id"):
        param_groups(Stock(derived), 1.0, 0.05, 0.5)


def test_a_parameter_that_the_rule_does_not_know_is_refused() -> None:
    model = Stock(lookalike(adapter=nn.Conv2d(4, 4, 1)))
    with pytest.raises(ConfigError, match=r"resnet\.ResNet has the parameter 'adapter\.weight', whose depth is not"):
        param_groups(model, 1.0, 0.05, 0.9)
