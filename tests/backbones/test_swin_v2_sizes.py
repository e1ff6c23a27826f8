"""Sizes, layers, initialisation, half precision and faults in a SwinV2's config."""

import math
from functools import cache
from typing import Any

import pytest
import torch
from backbone_contract import fill, images
from mmengine import ConfigDict
from torch import nn
from torch.nn.functional import layer_norm

from simmim_eval.backbones import SwinV2
from simmim_eval.backbones.swin_v2 import ARCHITECTURES
from simmim_eval.errors import ConfigError
from simmim_eval.optim import param_groups
from simmim_eval.registry import MODELS

NANO = ARCHITECTURES["nano"]


@cache
def full_size(arch: str) -> SwinV2:
    """Built once: the giant takes two seconds."""
    return meta(arch, out_indices=(3,))


def meta(*args: Any, **words: Any) -> SwinV2:
    with torch.device("meta"):
        return SwinV2(*args, **words)


def millions(backbone: SwinV2, classes: int) -> float:
    head = (backbone.channels[-1] + 1) * classes
    return (sum(p.numel() for p in backbone.parameters()) + head) / 1e6


@pytest.mark.parametrize(
    ("arch", "words", "published", "classes"),
    [
        # counted with the official classes, 1000 classes
        ("tiny", {}, 28.35, 1000),
        ("small", {}, 49.73, 1000),
        ("base", {}, 87.92, 1000),
        ("base", {"window_size": 14, "img_size": 224, "pretrained_window_sizes": (12, 12, 12, 6)}, 87.92, 1000),
        ("large", {}, 196.74, 1000),
        ("huge", {}, 658.0, 1000),
        ("huge", {}, 655.2, 0),
        # as mmpretrain has it: 8 heads in the first stage
        ({**ARCHITECTURES["huge"], "num_heads": (8, 16, 32, 64)}, {}, 658.0, 1000),
        ("giant", {}, 2997.8, 0),
    ],
)
def test_parameters_of_the_published_sizes(arch: Any, words: dict[str, Any], published: float, classes: int) -> None:
    plain = isinstance(arch, str) and not words
    counted = millions(full_size(arch) if plain else meta(arch, out_indices=(3,), **words), classes)
    assert counted == pytest.approx(published, rel=0.01)
    if isinstance(arch, str):
        assert counted == pytest.approx(published, abs=0.05 if published > 200 else 0.005)


@pytest.mark.parametrize(
    ("arch", "blocks"), [("large", ()), ("huge", (5, 11, 17)), ("giant", (5, 11, 17, 23, 29, 35, 41))]
)
def test_extra_norms_follow_every_sixth_block_of_a_stage(arch: str, blocks: tuple[int, ...]) -> None:
    names = [name for name, _ in full_size(arch).named_parameters() if name.endswith("norm3.bias")]
    assert names == [f"layers.2.blocks.{i}.norm3.bias" for i in blocks]


def test_an_extra_norm_acts_on_the_main_branch() -> None:
    sizes = {**NANO, "depths": (1, 1, 3)}
    extra = fill(SwinV2({**sizes, "extra_norm_period": 3}, out_indices=(2,))).eval()
    plain = SwinV2(sizes, out_indices=(2,)).eval()
    plain.load_state_dict({name: value for name, value in extra.state_dict().items() if "norm3" not in name})
    norm = extra.get_submodule("layers.2.blocks.2.norm3")

    def normalise(_: nn.Module, __: Any, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, x.shape[-1:], norm.weight, norm.bias)

    before = plain(images(48, 48))[0]
    plain.get_submodule("layers.2.blocks.2").register_forward_hook(normalise)
    torch.testing.assert_close(extra(images(48, 48))[0], plain(images(48, 48))[0], atol=1e-6, rtol=0)
    assert (before - plain(images(48, 48))[0]).abs().max() > 0.1


# Layers of a 2-2-18-2 network under the official rule, with its scales for a decay of 0.87.
LAYERS = {
    "mask_token": (0, 0.03076),
    "patch_embed.norm.weight": (0, 0.03076),
    "layers.0.blocks.0.norm1.bias": (1, 0.03536),
    "layers.0.blocks.1.attn.q_bias": (2, 0.04064),
    "layers.1.downsample.reduction.weight": (2, 0.04064),
    "layers.1.blocks.0.attn.cpb_mlp.0.weight": (3, 0.04671),
    "layers.1.blocks.1.attn.logit_scale": (4, 0.05369),
    "layers.2.downsample.norm.weight": (4, 0.05369),
    "layers.2.blocks.0.mlp.fc2.weight": (5, 0.06171),
    "layers.2.blocks.8.attn.cpb_mlp.2.weight": (13, 0.1880),
    "layers.2.blocks.17.norm3.weight": (22, 0.6585),
    "layers.3.downsample.reduction.weight": (22, 0.6585),
    "layers.3.blocks.0.attn.v_bias": (23, 0.7569),
    "layers.3.blocks.1.mlp.fc1.bias": (24, 0.87),
    "norm.weight": (25, 1.0),
    "norm0.bias": (25, 1.0),
    "norm2.weight": (25, 1.0),
}


def test_groups_of_layer_decay() -> None:
    backbone = meta("huge", use_mask_token=True)
    model = nn.Module()
    model.add_module("backbone", backbone)
    model.add_module("head", nn.Linear(4, 2, device="meta"))
    groups = param_groups(model, 1.0, 0.05, 0.87)
    seen = {name.removeprefix("backbone."): group for group in groups for name in group.params}
    for name, (layer, scale) in LAYERS.items():
        assert (seen[name].layer, backbone.layer_id(name)) == (layer, layer), name
        assert seen[name].lr == pytest.approx(scale, rel=1e-3), name
    assert seen.keys() == {name for name, _ in backbone.named_parameters()} | {"head.weight", "head.bias"}
    assert seen["head.weight"].layer == backbone.num_layers - 1 == 25
    for name, group in seen.items():
        exempt = name.endswith((".bias", "_bias", "mask_token", "logit_scale")) or "norm" in name or "cpb_mlp" in name
        assert group.weight_decay == (0 if exempt else 0.05), name


def test_layers_are_those_of_the_official_rule() -> None:
    """From the official names, in which merging ends a stage: all that stands before the last block's end."""
    depths = (1, 2, 3, 1)
    backbone = meta({"embed_dim": 8, "depths": depths, "num_heads": (1, 2, 2, 4)})
    for name, _ in backbone.named_parameters():
        part = name.split(".")
        if part[0] != "layers":
            continue
        stage = int(part[1])
        is_merging = part[2] == "downsample"
        expected = sum(depths[:stage]) if is_merging else sum(depths[:stage]) + int(part[3]) + 1
        assert backbone.layer_id(name) == expected, name


@pytest.mark.parametrize("drawn", ["at construction", "by init_weights"])
def test_initialisation(drawn: str) -> None:
    torch.manual_seed(0)
    backbone = SwinV2({**NANO, "extra_norm_period": 2}, img_size=96, use_mask_token=True)
    if drawn == "by init_weights":
        fill(backbone)
        backbone.init_weights()
    for name, parameter in backbone.named_parameters():
        last, block = name.rpartition(".")[2], ".blocks." in name
        if name.endswith("logit_scale"):
            assert (parameter == math.log(10)).all()
        elif block and ".norm3" not in name and "norm" in name:
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == float(last == "weight")).all(), name
        elif name == "patch_embed.proj.bias" or name == "patch_embed.proj.weight":
            assert 0 < parameter.abs().max() <= 1 / math.sqrt(48)
        elif last in ("bias", "q_bias", "v_bias"):
            assert not parameter.any(), name
        else:
            error = 5 * 0.02 / math.sqrt(parameter.numel())
            assert abs(parameter.mean()) < error and abs(parameter.std() - 0.02) < error, name


def test_a_fresh_block_is_the_identity() -> None:
    backbone = SwinV2("nano", out_indices=(0,))
    x = images(61, 45)
    expected = backbone.norm0(backbone.patch_embed(x)).permute(0, 3, 1, 2)
    torch.testing.assert_close(backbone(x)[0], expected, atol=0, rtol=0)


@pytest.mark.parametrize(("dtype", "scale"), [(torch.float16, 2.0**10), (torch.bfloat16, 1.0)])
def test_gradients_of_padded_maps_are_finite_in_half_precision(dtype: torch.dtype, scale: float) -> None:
    """A padded cell has a key of length 0, and its cosine a slope without end."""
    backbone = fill(SwinV2("nano", out_indices=(2,))).train()
    gradients = []
    for narrow in (True, False):
        backbone.zero_grad()
        with torch.autocast("cpu", dtype, enabled=narrow):
            (features,) = backbone(images(61, 45))
        (features.float().pow(2).mean() * scale).backward()
        gradients.append({name: p.grad / scale for name, p in backbone.named_parameters()})
    for name, wide in gradients[1].items():
        error = (gradients[0][name] - wide).norm()
        assert error <= 0.2 * wide.norm() + 1e-3 * gradients[1]["norm.weight"].norm(), name


@pytest.mark.parametrize("arch", ["nano", dict(NANO), ConfigDict({**NANO, "extra_norm_period": 1})])
def test_a_config_builds_from_a_name_or_a_dict(arch: Any) -> None:
    with torch.device("meta"):
        backbone = MODELS.build(dict(type="simmim_eval.SwinV2", arch=arch))
    assert backbone.mask_stride == 4
    assert backbone.feature_strides == (4, 8, 16)


def test_nano_is_a_demo_size() -> None:
    assert 0.5 < millions(meta("nano", out_indices=(2,)), 0) < 1
    sizes = [meta("nano", img_size=size) for size in (None, 48, 56, 128)]
    windows = [[backbone.get_submodule(f"layers.{i}.blocks.0").window for i in range(3)] for backbone in sizes]
    assert windows == [[(6, 6), (6, 6), (3, 3)]] * 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"arch": "hugee"}, r"backbone\.arch is 'hugee'; did you mean huge\?"),
        ({"arch": {**NANO, "extra_norm": 3}}, r"backbone\.arch has 'extra_norm'; did you mean extra_norm_period\?"),
        ({"arch": {**NANO, "extra_norm_period": -1}}, "extra_norm_period is -1; expected a number of blocks"),
        ({"arch": {**NANO, "extra_norm_period": "6"}}, "extra_norm_period is '6'"),
        ({"arch": {**NANO, "depths": (1, 1)}}, "one number per stage"),
        ({"arch": "nano", "window_size": 0}, "whole number above 0"),
        ({"arch": "nano", "pretrained_window_sizes": (6, 6)}, r"pretrained_window_sizes is \(6, 6\); .*stage \(3\)"),
        ({"arch": "nano", "pretrained_window_sizes": -6}, "pretrained_window_sizes is -6"),
        ({"arch": "nano", "pretrained_window_sizes": (6, 6, 3.5)}, "pretrained_window_sizes"),
        ({"arch": "nano", "img_size": 0}, r"backbone\.img_size"),
        ({"arch": "nano", "drop_path_rate": 1.0}, r"backbone\.drop_path_rate is 1\.0"),
        ({"arch": "nano", "out_indices": (3,)}, r"backbone\.out_indices is \(3,\)"),
    ],
)
def test_faults_are_named(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SwinV2(**words)


def test_swin_has_no_extra_norms() -> None:
    with pytest.raises(ConfigError, match=r"backbone\.arch has 'extra_norm_period'"):
        MODELS.build(dict(type="simmim_eval.Swin", arch={**NANO, "extra_norm_period": 2}))
