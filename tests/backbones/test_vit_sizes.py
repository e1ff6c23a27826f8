"""Sizes, layers, weight decay, initialisation and faults in a ViT's config."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine import ConfigDict
from torch import nn

from simmim_eval.backbones import ViT, ViTVideo
from simmim_eval.errors import ConfigError
from simmim_eval.optim import param_groups
from simmim_eval.registry import MODELS


def meta(*args: Any, **words: Any) -> ViT:
    with torch.device("meta"):
        return ViT(*args, **words)


class Classifier(nn.Module):
    """The least that has a backbone and something outside it."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.fc_norm = nn.LayerNorm(backbone.channels[-1])
        self.head = nn.Linear(backbone.channels[-1], 5)


TABLES = dict(rel_pos="per_block", init_values=0.1)


@pytest.mark.parametrize(
    ("arch", "millions", "words"),
    [
        ("tiny", 5.72, dict(abs_pos=True)),
        ("small", 22.05, dict(abs_pos=True)),
        ("base", 86.57, dict(abs_pos=True)),
        ("base", 86.57, TABLES),
        ("base", 86.57, dict(rel_pos="shared", init_values=0.1, use_mask_token=True)),
        ("large", 304.33, TABLES),
    ],
)
def test_parameters_of_the_published_sizes(arch: str, millions: float, words: dict[str, Any]) -> None:
    backbone = meta(arch, **words)
    head = (backbone.channels[-1] + 1) * 1000
    assert sum(p.numel() for p in backbone.parameters()) + head == pytest.approx(millions * 1e6, rel=0.01)


def test_huge_and_nano() -> None:
    assert sum(p.numel() for p in meta("huge", patch_size=14, abs_pos=True).parameters()) == pytest.approx(
        631e6, rel=0.01
    )
    assert 0.5e6 < sum(p.numel() for p in meta("nano", patch_size=8, rel_pos="shared").parameters()) < 1e6


# The layer of a ViT of 12 blocks and its scale at decay 0.65, 0.70 and 0.75 (facts of SimMIM, ViTDet and VideoMAE).
DECAYS = (0.65, 0.70, 0.75)
SCALES = (
    (0.003697, 0.009689, 0.02376),
    (0.005688, 0.01384, 0.03168),
    (0.008751, 0.01977, 0.04224),
    (0.01346, 0.02825, 0.05631),
    (0.02071, 0.04035, 0.07508),
    (0.03186, 0.05765, 0.1001),
    (0.04902, 0.08235, 0.1335),
    (0.07542, 0.1176, 0.1780),
    (0.1160, 0.1681, 0.2373),
    (0.1785, 0.2401, 0.3164),
    (0.2746, 0.3430, 0.4219),
    (0.4225, 0.49, 0.5625),
    (0.65, 0.70, 0.75),
    (1.0, 1.0, 1.0),
)
LAYERS = {
    "cls_token": 0,
    "mask_token": 0,
    "pos_embed": 0,
    "patch_embed.proj.bias": 0,
    "blocks.0.gamma_1": 1,
    "blocks.0.attn.q_bias": 1,
    "blocks.5.norm1.weight": 6,
    "blocks.11.mlp.fc2.weight": 12,
    "norm.weight": 13,
}


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (dict(rel_pos="shared", use_mask_token=True), {"rel_pos_bias.relative_position_bias_table": 13}),
        (dict(rel_pos="per_block", use_mask_token=True), {"blocks.3.attn.relative_position_bias_table": 4}),
        (dict(rel_pos="decomposed", class_token=False), {"blocks.3.attn.rel_pos_h": 4, "blocks.4.attn.rel_pos_w": 5}),
    ],
)
def test_worked_values_of_a_vit_of_12_blocks(words: dict[str, Any], more: dict[str, int]) -> None:
    backbone = meta(dict(embed_dim=8, depth=12, num_heads=2), abs_pos=True, init_values=0.1, **words)
    for column, decay in enumerate(DECAYS):
        groups = param_groups(Classifier(backbone), 1.0, 0.05, decay)
        assert {group.layer for group in groups} == set(range(14))
        for group in groups:
            assert group.lr == pytest.approx(SCALES[group.layer][column], rel=5e-4)
    by_name = {name: group for group in groups for name in group.params}
    for name, layer in (LAYERS | more).items():
        if f"backbone.{name}" in by_name:
            assert by_name[f"backbone.{name}"].layer == layer == backbone.layer_id(name), name
        else:
            assert name in ("cls_token", "mask_token"), name
    assert by_name["head.weight"].layer == by_name["fc_norm.bias"].layer == 13
    for name in more:
        assert by_name[f"backbone.{name}"].weight_decay == 0.05
    for name in ("backbone.pos_embed", "backbone.blocks.0.gamma_2", "backbone.blocks.0.attn.v_bias"):
        assert by_name[name].weight_decay == 0


@pytest.fixture(scope="module")
def groups(data_dir: Path) -> dict[str, Any]:
    return json.loads((data_dir / "simmim/parameter_groups.json").read_text())["parameter_groups"]


def test_groups_are_those_of_the_official_fine_tuning(groups: dict[str, Any]) -> None:
    official = groups["vit_finetune"]
    sizes = dict(embed_dim=8, depth=official["depth"], num_heads=2)
    model = Classifier(meta(sizes, rel_pos="per_block", init_values=0.1, final_norm=False))
    ours = {
        name.removeprefix("backbone."): group
        for group in param_groups(model, official["base_lr"], official["weight_decay"], official["layer_decay"])
        for name in group.params
    }
    assert ours.keys() == official["parameters"].keys()
    for name, expected in official["parameters"].items():
        assert ours[name].layer == expected["layer"], name
        assert ours[name].lr == pytest.approx(expected["lr"], rel=1e-12), name
        assert ours[name].weight_decay == expected["weight_decay"], name


def test_weight_decay_is_that_of_the_official_pre_training(groups: dict[str, Any]) -> None:
    """Which decays the mask token and the shared table."""
    official = {name: row for name, row in groups["vit_pretrain"].items() if name.startswith("encoder.")}
    sizes = dict(embed_dim=32, depth=3, num_heads=4)
    backbone = meta(sizes, img_size=96, rel_pos="shared", init_values=0.1, use_mask_token=True)
    ours = {f"encoder.{name}": group for group in param_groups(backbone, 1.0, 0.05) for name in group.params}
    assert {name: group.weight_decay for name, group in ours.items()} == {
        name: row["weight_decay"] for name, row in official.items()
    }


def cut(name: str) -> float:
    """Pre-training draws within one deviation; what ends the branches of block i, from 1, is divided by √2i."""
    ends_a_branch = name.endswith(("attn.proj.weight", "mlp.fc2.weight"))
    return 0.02 / math.sqrt(2 * (int(name.split(".")[1]) + 1)) + 1e-8 if ends_a_branch else 0.02


@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
def test_initialisation_is_the_official_one(data_dir: Path, phase: str) -> None:
    reference = json.loads((data_dir / "simmim/initialisation.json").read_text())["initialisation"][f"vit_{phase}"]
    reference = {name.removeprefix("encoder."): value for name, value in reference.items()}
    depth = len({name.split(".")[1] for name in reference if name.startswith("blocks.")})
    words = dict(rel_pos="per_block", final_norm=False)
    if phase == "pretrain":
        words = dict(rel_pos="shared", use_mask_token=True)
    torch.manual_seed(0)
    backbone = ViT(dict(embed_dim=192, depth=depth, num_heads=4), img_size=96, init_values=0.1, **words)
    outside = ("decoder.", "head.", "fc_norm.")
    assert dict(backbone.named_parameters()).keys() == {n for n in reference if not n.startswith(outside)}
    for drawn in ("at construction", "by init_weights"):
        for name, parameter in backbone.named_parameters():
            expected = reference[name]
            assert list(parameter.shape) == expected["shape"], name
            if expected["std"] < 1e-6:
                assert (parameter == expected["max"]).all(), f"{name} {drawn}"
                continue
            error = 5 * expected["std"] * math.sqrt(2 / parameter.numel())
            assert abs(parameter.mean() - expected["mean"]) < error, f"{name} {drawn}"
            assert abs(parameter.std() - expected["std"]) < error, f"{name} {drawn}"
            if phase == "pretrain":
                assert parameter.abs().max() <= cut(name), f"{name} {drawn}"
        backbone.init_weights()


@pytest.mark.parametrize(
    "arch", ["nano", dict(embed_dim=8, depth=2, num_heads=2), ConfigDict(embed_dim=8, depth=1, num_heads=1)]
)
def test_a_config_builds_from_a_name_or_a_dict(arch: Any) -> None:
    with torch.device("meta"):
        backbone = MODELS.build(dict(type="simmim_eval.ViT", arch=arch, patch_size=8))
    assert (backbone.mask_stride, backbone.feature_strides) == (8, (8,))
    assert backbone.out_indices == (backbone.num_layers - 3,)


def test_only_the_map_of_the_last_block_is_normed() -> None:
    earlier = meta("nano", out_indices=(1, 3))
    assert not hasattr(earlier, "norm")
    assert hasattr(meta("nano", out_indices=(1, 5)), "norm")
    assert not hasattr(meta("nano", final_norm=False), "norm")


def test_a_normed_map_stands_beside_bare_ones() -> None:
    torch.manual_seed(0)
    backbone = ViT(dict(embed_dim=16, depth=2, num_heads=2), img_size=32, patch_size=8, out_indices=(0, 1)).eval()
    nn.init.constant_(backbone.norm.bias, 5.0)
    first, last = backbone(torch.randn(1, 3, 32, 32))
    assert first.abs().max() < 3
    torch.testing.assert_close(last.mean(1), torch.full((1, 4, 4), 5.0))


DETECTION = dict(rel_pos="decomposed", class_token=False, window_size=4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"arch": "bace"}, r"backbone\.arch is 'bace'; did you mean base\?"),
        ({"arch": {"embed_dim": 8, "depth": 1, "heads": 2}}, r"backbone\.arch has 'heads'; did you mean num_heads"),
        ({"arch": {"embed_dim": 8, "depth": 1}}, "lacks 'num_heads'"),
        ({"arch": {"embed_dim": 8, "depth": 1, "num_heads": 3}}, "3 num_heads do not divide embed_dim 8"),
        ({"arch": {"embed_dim": 8, "depth": 0, "num_heads": 1}}, "whole number above 0"),
        ({"arch": {"embed_dim": 8, "depth": [2], "num_heads": 1}}, "whole number above 0"),
        ({"img_size": (48, 48, 3)}, r"backbone\.img_size is \(48, 48, 3\)"),
        ({"img_size": 0}, r"backbone\.img_size is 0"),
        ({"patch_size": 0}, r"backbone\.patch_size is 0"),
        ({"rel_pos": "per-block"}, r"backbone\.rel_pos is 'per-block'; did you mean per_block\?"),
        ({"init_values": 0.0}, r"backbone\.init_values is 0\.0; expected a number above 0"),
        ({"drop_path_rate": 1.0}, r"backbone\.drop_path_rate is 1\.0"),
        ({"out_indices": (12,)}, r"backbone\.out_indices is \(12,\); expected rising numbers from 0 to 5"),
        ({**DETECTION, "class_token": True}, r"Set class_token=False"),
        ({"window_size": 4}, "a class token lies in no window"),
        ({**DETECTION, "window_size": 0}, r"backbone\.window_size is 0"),
        ({**DETECTION, "rel_pos": "shared"}, r"Set rel_pos='per_block'"),
        ({**DETECTION, "global_blocks": (2, 6)}, r"global_blocks is \(2, 6\); expected numbers of blocks, 0 to 5"),
        ({**DETECTION, "global_blocks": (-1,)}, r"global_blocks is \(-1,\)"),
        ({"global_blocks": (2,)}, "without window_size all blocks are global"),
    ],
)
def test_faults_are_named(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ViT(**{"arch": "nano", **words})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"patch_size_t": 0}, "expected at least 1"),
        ({"num_frames": 0}, "expected at least 1"),
        ({"rel_pos": "decomposed"}, "for clips expected 'shared', 'per_block' or None"),
        ({"arch": "tinny"}, "did you mean tiny"),
    ],
)
def test_faults_of_clips_are_named(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ViTVideo(**{"arch": "nano", **words})


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(TypeError, match="embed_dims"):
        MODELS.build(dict(type="simmim_eval.ViT", embed_dims=96))
