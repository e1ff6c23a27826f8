"""Changes of value on the way into a backbone: resized tables, order of patch merging, inflation."""

from pathlib import Path

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, swin_for, video_for
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from simmim_eval.backbones import Swin
from simmim_eval.errors import CheckpointError
from simmim_eval.weights import load, read_checkpoint
from simmim_eval.weights.openmmlab_swin import official_to_unfold_order, unfold_to_official_order
from simmim_eval.weights.position_bias import resize_table, table_side

ARCH = {"embed_dim": 8, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 2, 4)}
SIDES = st.integers(2, 8).map(lambda half: 2 * half + 1)


def encoder_file(data_dir: Path, folder: Path) -> Path:
    """The official pre-trained state of the fixtures, as a file."""
    stored = load_file(data_dir / "simmim" / "swin_pretrain.safetensors")
    path = folder / "pretrained.safetensors"
    model = {key.removeprefix("model."): value for key, value in stored.items() if key.startswith("model.")}
    save_file(model, path)
    return path


@pytest.mark.parametrize("case", ["swin_6to7", "swin_6to12", "swin_12to14", "swin_7to4", "vit_14to24", "vit_14to16"])
def test_tables_equal_the_official_ones_bit_for_bit(case: str, data_dir: Path) -> None:
    tables = load_file(data_dir / "simmim" / "relative_position_tables.safetensors")
    source, target = tables[f"{case}.source"], tables[f"{case}.target"]
    if case.startswith("vit"):
        source, target = source[:-3], target[:-3]
    assert torch.equal(resize_table(source, table_side(target)), target)


@given(source=SIDES, side=SIDES, seed=st.integers(0, 1000))
def test_resizing_commutes_with_mirroring(source: int, side: int, seed: int) -> None:
    table = torch.randn(source * source, 2, generator=torch.Generator().manual_seed(seed))
    mirrored = resize_table(table.flip(0), side)
    torch.testing.assert_close(mirrored, resize_table(table, side).flip(0), atol=1e-5, rtol=1e-5)


@given(source=SIDES, side=SIDES, value=st.floats(-2, 2, width=32))
def test_a_constant_table_stays_constant(source: int, side: int, value: float) -> None:
    resized = resize_table(torch.full((source * source, 1), value), side)
    torch.testing.assert_close(resized, torch.full((side * side, 1), value), atol=1e-5, rtol=0)


def test_finetuning_at_another_resolution_equals_the_official_loading(data_dir: Path, tmp_path: Path) -> None:
    expected = load_file(data_dir / "simmim" / "swin_finetune.safetensors")
    backbone = Swin(ARCH, img_size=128, window_size=8, out_indices=(3,)).eval()
    report = load(backbone, encoder_file(data_dir, tmp_path))
    tables = {key.removeprefix("table."): value for key, value in expected.items() if key.startswith("table.")}
    assert {name for name, _ in report.adapted} == set(tables)
    assert {reason for _, reason in report.adapted} == {
        "table resized from side 11 to 15",
        "table resized from side 5 to 7",
    }
    for name, table in tables.items():
        assert torch.equal(backbone.get_parameter(name), table), name
    with torch.no_grad():
        pooled = backbone(expected["images"])[0].mean((2, 3))
    torch.testing.assert_close(pooled, expected["pooled"], atol=1e-5, rtol=0)
    logits = F.linear(pooled, expected["own.head.weight"], expected["own.head.bias"])
    torch.testing.assert_close(logits, expected["logits"], atol=1e-5, rtol=0)


def test_a_table_too_small_for_a_cubic_spline_is_an_error() -> None:
    with pytest.raises(CheckpointError, match=r"side 3 .*cannot be resized to 7.*window"):
        load(swin_for("swin_supervised_training.pth", img_size=None), CHECKPOINTS / "swin_supervised_training.pth")


@given(channels=st.integers(1, 5), height=st.integers(1, 3), width=st.integers(1, 3), seed=st.integers(0, 1000))
def test_patch_merging_order(channels: int, height: int, width: int, seed: int) -> None:
    """A reduction in nn.Unfold's order, applied to unfolded neighbours, equals ours on neighbours stacked by hand."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, channels, 2 * height, 2 * width, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 4 * channels, generator=generator, dtype=torch.float64)
    theirs = F.unfold(image, 2, stride=2)[0].T @ weight.T
    stacked = [image[0, :, row::2, col::2] for row, col in ((0, 0), (1, 0), (0, 1), (1, 1))]
    ours = torch.cat(stacked).flatten(1).T @ unfold_to_official_order(weight).T
    torch.testing.assert_close(ours, theirs)
    assert torch.equal(official_to_unfold_order(unfold_to_official_order(weight)), weight)


def test_inflated_backbone_gives_a_still_clip_its_images_features() -> None:
    name = "swin_supervised_released.pth"
    image = load_file(CHECKPOINTS / "inputs.safetensors")["image_1x96x96"]
    flat = swin_for(name, img_size=None)
    clip = video_for(name, patch_size_t=2, window_size_t=3)
    load(flat, CHECKPOINTS / name)
    report = load(clip, CHECKPOINTS / name)
    assert len(report.adapted) == 1 + 6
    assert {reason for _, reason in report.adapted} == {"inflated over time"}
    with torch.no_grad():
        expected = flat(image)[-1]
        frames = clip(image[:, :, None].expand(-1, -1, 8, -1, -1)).unbind(2)
    for frame in frames:
        torch.testing.assert_close(frame, expected, atol=1e-5, rtol=0)


def test_inflation_equals_mmaction_where_no_table_changes_its_side() -> None:
    theirs = load_file(CHECKPOINTS / "inflated_by_mmaction.safetensors")
    name = "swin_supervised_training.pth"
    state = read_checkpoint(CHECKPOINTS / name).state
    clip = video_for(name, window_size=(4, 4, 4, 2), patch_size_t=2, window_size_t=4)
    load(clip, CHECKPOINTS / name)
    table = clip.layers[0].blocks[0].attn.relative_position_bias_table
    assert torch.equal(table, theirs["same_window.first_table"])
    assert torch.equal(clip.patch_embed.proj.weight, theirs["same_window.patch_weight"])
    assert torch.equal(clip.layers[0].blocks[0].mlp.fc1.weight, state["layers.0.blocks.0.mlp.fc1.weight"])
    clips = load_file(CHECKPOINTS / "inputs.safetensors")["clip_1x8x32x32"]
    with torch.no_grad():
        tokens = clip.patch_embed(clips)
        for block in clip.layers[0].blocks:
            tokens = block(tokens)
    torch.testing.assert_close(tokens.movedim(-1, 1), theirs["same_window.random.stage0"], atol=1e-5, rtol=0)


def test_tables_are_resized_before_they_are_inflated(data_dir: Path, tmp_path: Path) -> None:
    expected = load_file(data_dir / "simmim" / "swin_finetune.safetensors")
    clip = video_for("simmim_swin_pretrain.pth", arch=ARCH, window_size=(8, 8, 8, 4), window_size_t=2)
    report = load(clip, encoder_file(data_dir, tmp_path))
    assert "table resized from side 11 to 15, inflated over time" in {reason for _, reason in report.adapted}
    for key, table in expected.items():
        if key.startswith("table."):
            assert torch.equal(clip.get_parameter(key.removeprefix("table.")), table.repeat(3, 1))
