"""Sizes, layers, initialisation and faults in a Swin's config."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine import ConfigDict

from simmim_eval.backbones import Swin
from simmim_eval.backbones.swin import ARCHITECTURES
from simmim_eval.errors import ConfigError
from simmim_eval.registry import MODELS


def meta(*args: Any, **words: Any) -> Swin:
    with torch.device("meta"):
        return Swin(*args, **words)


@pytest.mark.parametrize(
    ("arch", "words", "millions"),
    [
        # counted with the official classes, 1000 classes
        ("tiny", {}, 28.29),
        ("small", {}, 49.61),
        ("base", {}, 87.77),
        ("base", {"window_size": 6}, 87.75),
        ("large", {}, 196.53),
        ("large", {"window_size": 14, "img_size": 224}, 196.79),
    ],
)
def test_parameters_of_the_published_sizes(arch: str, words: dict[str, int], millions: float) -> None:
    backbone = meta(arch, out_indices=(3,), **words)
    head = (backbone.channels[-1] + 1) * 1000
    assert round((sum(p.numel() for p in backbone.parameters()) + head) / 1e6, 2) == millions


def test_table_of_layers_of_swin_base() -> None:
    backbone = meta("base", out_indices=(0, 1, 2, 3), use_mask_token=True)
    expected = {
        "mask_token": 0,
        "patch_embed.norm.weight": 0,
        "layers.0.blocks.0.norm1.bias": 1,
        "layers.0.blocks.1.mlp.fc2.weight": 2,
        "layers.1.downsample.reduction.weight": 2,
        "layers.1.blocks.0.attn.qkv.weight": 3,
        "layers.1.blocks.1.attn.proj.bias": 4,
        "layers.2.downsample.norm.weight": 4,
        "layers.2.blocks.8.attn.relative_position_bias_table": 13,
        "layers.2.blocks.17.norm2.weight": 22,
        "layers.3.downsample.reduction.weight": 22,
        "layers.3.blocks.1.mlp.fc1.bias": 24,
        "norm.weight": 25,
        "norm0.bias": 25,
    }
    assert {name: backbone.layer_id(name) for name in expected} == expected
    assert backbone.num_layers == 26


def test_layers_are_those_of_the_official_fine_tuning(data_dir: Path) -> None:
    groups = json.loads((data_dir / "simmim/parameter_groups.json").read_text())["parameter_groups"]
    rows = groups["swin_finetune"]["parameters"]
    backbone = meta({"embed_dim": 8, "depths": (2, 2, 4, 2), "num_heads": (1, 2, 2, 4)}, out_indices=(3,))
    names = {name for name, _ in backbone.named_parameters()}
    for name, row in rows.items():
        ours = re.sub(r"layers\.(\d)\.downsample", lambda found: f"layers.{int(found[1]) + 1}.downsample", name)
        if ours.startswith("head."):
            continue
        names.remove(ours)
        assert backbone.layer_id(ours) == row["layer"], ours
        parameter = backbone.get_parameter(ours)
        exempt = parameter.ndim == 1 or ours in backbone.no_weight_decay()
        assert exempt == (row["weight_decay"] == 0), ours
    assert names == set()


def test_initialisation_is_the_official_one(data_dir: Path) -> None:
    reference = json.loads((data_dir / "simmim/initialisation.json").read_text())["initialisation"]["swin_pretrain"]
    torch.manual_seed(0)
    arch = {"embed_dim": 32, **official_sizes(reference)}
    backbone = Swin(arch, img_size=96, out_indices=(len(arch["depths"]) - 1,), use_mask_token=True)
    for drawn in ("at construction", "by init_weights"):
        seen = 0
        for name, parameter in backbone.named_parameters():
            official = re.sub(r"layers\.(\d)\.downsample", lambda f: f"layers.{int(f[1]) - 1}.downsample", name)
            expected = reference["encoder." + official]
            assert list(parameter.shape) == expected["shape"], name
            seen += 1
            if expected["std"] == 0:
                assert (parameter == expected["mean"]).all(), f"{name} {drawn}"
                continue
            count = parameter.numel()
            error = 5 * expected["std"] * math.sqrt(2 / count)
            assert abs(parameter.mean() - expected["mean"]) < error, f"{name} {drawn}"
            assert abs(parameter.std() - expected["std"]) < error, f"{name} {drawn}"
            if name.startswith("patch_embed.proj"):
                assert parameter.abs().max() <= 1 / math.sqrt(48)
        assert seen == sum(name.startswith("encoder.") for name in reference)
        backbone.init_weights()


def official_sizes(reference: dict[str, Any]) -> dict[str, Any]:
    """Depths, heads and windows, read off the official shapes."""
    depths, heads, windows = [], [], []
    for i in range(4):
        tables = [
            value["shape"]
            for name, value in reference.items()
            if re.match(rf"encoder\.layers\.{i}\.blocks\.\d+\.attn\.relative_position_bias_table", name)
        ]
        depths.append(len(tables))
        heads.append(tables[0][1])
        windows.append((math.isqrt(tables[0][0]) + 1) // 2)
    return {"depths": depths, "num_heads": heads, "window_size": windows}


@pytest.mark.parametrize("arch", [*ARCHITECTURES, dict(ARCHITECTURES["nano"]), ConfigDict(ARCHITECTURES["nano"])])
def test_a_config_builds_from_a_name_or_a_dict(arch: Any) -> None:
    with torch.device("meta"):
        backbone = MODELS.build(dict(type="simmim_eval.Swin", arch=arch))
    assert backbone.mask_stride == 4
    assert backbone.feature_strides == (4, 8, 16, 32)[: len(backbone.channels)]


def test_nano_keeps_its_windows_at_every_size_of_the_demo() -> None:
    shapes = [
        {name: tuple(value.shape) for name, value in meta("nano", img_size=size).state_dict().items()}
        for size in (None, 48, 56, 128)
    ]
    assert all(shape == shapes[0] for shape in shapes)


NANO = ARCHITECTURES["nano"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"arch": "tinny"}, r"backbone\.arch is 'tinny'; did you mean tiny\?"),
        ({"arch": "vit"}, "known: base, large, nano, small, tiny"),
        ({"arch": {**NANO, "head": 3}}, r"backbone\.arch has 'head'; .*num_heads"),
        ({"arch": {"embed_dim": 8, "depths": (1,)}}, "lacks 'num_heads'"),
        (
            {"arch": {**NANO, "embed_dim": 30, "num_heads": (1, 2, 16)}},
            "stage 2 has 120 channels .*its 16 num_heads do not divide",
        ),
        ({"arch": {**NANO, "depths": (1, 1)}}, "one number per stage"),
        ({"arch": {**NANO, "depths": 2}}, "one number per stage"),
        ({"arch": {**NANO, "depths": (1, 0, 1)}}, "whole number above 0"),
        ({"arch": {**NANO, "embed_dim": 8.0}}, "whole number above 0"),
        ({"arch": {**NANO, "mlp_ratio": 0}}, "mlp_ratio: above 0"),
        ({"arch": "nano", "window_size": (6, 6)}, "one number per stage"),
        ({"arch": "nano", "window_size": 0}, "whole number above 0"),
        ({"arch": "nano", "img_size": (48, 48, 48)}, r"backbone\.img_size"),
        ({"arch": "nano", "img_size": 0}, r"backbone\.img_size"),
        ({"arch": "nano", "drop_path_rate": 1.5}, r"backbone\.drop_path_rate is 1\.5"),
        ({"arch": "nano", "out_indices": (0, 1, 2, 3)}, r"backbone\.out_indices is \(0, 1, 2, 3\)"),
    ],
)
def test_faults_are_named(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Swin(**words)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(TypeError, match="embed_dims"):
        MODELS.build(dict(type="simmim_eval.Swin", embed_dims=96))
