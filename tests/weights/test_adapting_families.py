"""Changes of value on the way into a ViT, a SwinV2 or a ResNet of another form than the file's model."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, FILES, backbone_for, resnet_words, swin_v2_for, vit_for
from safetensors.torch import load_file, save_file
from timm.models.resnet import BasicBlock
from timm.models.resnet import ResNet as TimmResNet
from torch import Tensor
from torch.nn import functional as F

from simmim_eval import compat
from simmim_eval.backbones import ResNet, ResNetSlowOnly, ViT, ViTVideo
from simmim_eval.errors import CheckpointError
from simmim_eval.weights import load, read_checkpoint

SHARED, PER_BLOCK, ABSOLUTE = "simmim_vit_pretrain.pth", "simmim_vit_finetune.pth", "timm_vit.safetensors"
INPUTS = load_file(CHECKPOINTS / "inputs.safetensors")
SIZES = {"arch": {"embed_dim": 32, "depth": 3, "num_heads": 4}, "init_values": 0.1}


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """The official pre-trained state of the fixtures, a grid of 6 x 6, as a file."""
    stored = load_file(data_dir / "simmim" / "vit_pretrain.safetensors")
    path = tmp_path_factory.mktemp("weights") / "pretrained.safetensors"
    model = {key.removeprefix("model."): value for key, value in stored.items() if key.startswith("model.")}
    save_file(model, path)
    return path


def test_finetuning_at_another_resolution_equals_the_official_loading(official: Path, data_dir: Path) -> None:
    expected = load_file(data_dir / "simmim" / "vit_finetune.safetensors")
    backbone = ViT(**SIZES, img_size=128, rel_pos="per_block", final_norm=False).eval()
    report = load(backbone, official)
    assert Counter(reason for _, reason in report.adapted) == {
        "copied from the shared table, table resized from side 11 to 15": 3
    }
    assert not report.new
    for key, table in expected.items():
        if key.startswith("table."):
            assert torch.equal(backbone.get_parameter(key.removeprefix("table.")), table)
    with torch.no_grad():
        pooled = backbone(expected["images"])[0].mean((2, 3))
    pooled = F.layer_norm(pooled, (32,), expected["own.fc_norm.weight"], expected["own.fc_norm.bias"], 1e-6)
    logits = F.linear(pooled, expected["own.head.weight"], expected["own.head.bias"])
    torch.testing.assert_close(logits, expected["logits"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("case", ["vit_14to24", "vit_14to16"])
def test_class_rows_stay_and_the_rest_is_resized_bit_for_bit(case: str, data_dir: Path, tmp_path: Path) -> None:
    tables = load_file(data_dir / "simmim" / "relative_position_tables.safetensors")
    source, target = tables[f"{case}.source"], tables[f"{case}.target"]
    sides = [int((len(table) - 3) ** 0.5 + 1) // 2 * 16 for table in (source, target)]
    heads = source.shape[1]
    words = {"arch": {"embed_dim": 4 * heads, "depth": 2, "num_heads": heads}}
    state = ViT(**words, img_size=sides[0], rel_pos="shared").state_dict()
    save_file({**state, "rel_pos_bias.relative_position_bias_table": source}, tmp_path / "file.safetensors")
    backbone = ViT(**words, img_size=sides[1], rel_pos="shared")
    report = load(backbone, tmp_path / "file.safetensors")
    assert torch.equal(backbone.get_parameter("rel_pos_bias.relative_position_bias_table"), target)
    assert [name for name, _ in report.adapted] == ["rel_pos_bias.relative_position_bias_table"]


def test_a_shared_table_in_every_block_gives_the_same_features() -> None:
    image = INPUTS["image_1x64x64"]
    shared, copied = vit_for(SHARED), vit_for(SHARED, rel_pos="per_block")
    load(shared, CHECKPOINTS / SHARED)
    report = load(copied, CHECKPOINTS / SHARED)
    assert Counter(reason for _, reason in report.adapted) == {"copied from the shared table": 3}
    with torch.no_grad():
        for one, other in zip(shared(image), copied(image), strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_windows_without_a_class_token_take_a_table_each() -> None:
    words = {"class_token": False, "img_size": 128, "window_size": 3, "global_blocks": (2,)}
    backbone = vit_for(PER_BLOCK, **words)
    report = load(backbone, CHECKPOINTS / PER_BLOCK)
    changes = {name: reason for name, reason in report.adapted}
    table = "blocks.{}.attn.relative_position_bias_table"
    assert changes[table.format(0)] == "table resized from side 7 to 5, rows of the class token left out"
    assert changes[table.format(2)] == "table resized from side 7 to 15, rows of the class token left out"
    assert ("cls_token", "class token (the backbone has none)") in report.dropped


def test_tables_are_resized_to_a_rectangle() -> None:
    backbone = vit_for(PER_BLOCK, img_size=(64, 96))
    report = load(backbone, CHECKPOINTS / PER_BLOCK)
    assert {reason for _, reason in report.adapted} == {"table resized from side 7 to (7, 11)"}
    table = backbone.get_parameter("blocks.0.attn.relative_position_bias_table")
    original = read_checkpoint(CHECKPOINTS / PER_BLOCK).state["blocks.0.attn.relative_position_bias_table"]
    middle = original[:-3].reshape(7, 7, -1)[:, 3]  # a spline passes through its knots, and offset 0 is one
    torch.testing.assert_close(table[:-3].reshape(7, 11, -1)[:, 5], middle)
    assert torch.equal(table[-3:], original[-3:])


@pytest.mark.parametrize("size", ["96x96", "64x80"])
def test_absolute_positions_equal_torchs_bicubic_interpolation(size: str) -> None:
    sides = tuple(map(int, size.split("x")))
    backbone = vit_for(ABSOLUTE, img_size=sides)
    load(backbone, CHECKPOINTS / ABSOLUTE)
    positions = read_checkpoint(CHECKPOINTS / ABSOLUTE).state["pos_embed"]
    plane = positions[:, 1:].reshape(1, 4, 4, 16).permute(0, 3, 1, 2)
    resized = F.interpolate(plane, (sides[0] // 16, sides[1] // 16), mode="bicubic").flatten(2).transpose(1, 2)
    torch.testing.assert_close(backbone.pos_embed, torch.cat([positions[:, :1], resized], 1), atol=1e-6, rtol=0)


def test_positions_lose_and_gain_the_slot_of_a_class_token(tmp_path: Path) -> None:
    backbone = vit_for(ABSOLUTE, class_token=False)
    report = load(backbone, CHECKPOINTS / ABSOLUTE)
    state = read_checkpoint(CHECKPOINTS / ABSOLUTE).state
    assert torch.equal(backbone.pos_embed, state["pos_embed"][:, 1:])
    assert ("pos_embed", "position of the class token left out") in report.adapted
    path = tmp_path / "no_embed_class.safetensors"  # as timm's DeiT III has them
    save_file({**state, "pos_embed": state["pos_embed"][:, 1:].contiguous()}, path)
    with_slot = vit_for(ABSOLUTE)
    report = load(with_slot, path)
    assert not with_slot.pos_embed[:, 0].any()
    assert torch.equal(with_slot.pos_embed[:, 1:], state["pos_embed"][:, 1:])


def changed(name: str, path: Path, **tensors: Tensor | None) -> Path:
    state = {**read_checkpoint(CHECKPOINTS / name).state, **tensors}
    save_file({key: value.contiguous() for key, value in state.items() if value is not None}, path)
    return path


def test_deit_3_layer_scale_has_other_names(tmp_path: Path) -> None:
    gammas = {f"blocks.{i}.ls{j}.gamma": torch.full((16,), i + j / 10) for i in range(3) for j in (1, 2)}
    backbone = vit_for(ABSOLUTE, init_values=0.1)
    load(backbone, changed(ABSOLUTE, tmp_path / "a.safetensors", **gammas))
    assert torch.equal(backbone.blocks[2].gamma_1, torch.full((16,), 2.1))


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        (PER_BLOCK, {"rel_pos": None}, "table (the backbone has no such tensor; build it with rel_pos='per_block')"),
        (PER_BLOCK, {"rel_pos": "shared"}, "build the backbone without rel_pos='shared'"),
        (SHARED, {"rel_pos": None}, "build it with rel_pos='shared'"),
        (ABSOLUTE, {"abs_pos": False}, "pos_embed (the backbone has no such tensor; build it with abs_pos=True)"),
        (SHARED, {"abs_pos": True}, "pos_embed (not in the file; build the backbone without abs_pos=True)"),
        (SHARED, {"init_values": None}, "build it with init_values"),
        (ABSOLUTE, {"init_values": 0.1}, "gamma_1 (not in the file; build the backbone without init_values)"),
        (SHARED, {"patch_size": 32}, "(16, 3, 16, 16) in the file, (16, 3, 32, 32) in the backbone"),
        (SHARED, {"arch": "nano"}, "Build the backbone with arch=dict(embed_dim=16, depth=3, num_heads=2)"),
    ],
)
def test_a_vit_of_another_form_is_an_error_that_names_the_flag(name: str, words: dict, message: str) -> None:
    backbone = vit_for(name, **words, out_indices=None)
    with pytest.raises(CheckpointError) as caught:
        load(backbone, CHECKPOINTS / name)
    assert message in str(caught.value)


def test_terms_that_start_at_zero_may_be_new_and_no_other() -> None:
    backbone = vit_for(ABSOLUTE, rel_pos="decomposed", class_token=False)
    report = load(backbone, CHECKPOINTS / ABSOLUTE)
    assert Counter(reason for _, reason in report.new) == {
        "position term that the file's model has not, 0 at the start": 6
    }
    backbone.get_parameter("blocks.0.attn.rel_pos_h").data.fill_(0.1)
    with pytest.raises(CheckpointError, match=r"rel_pos_h \(not in the file; build the backbone without rel_pos"):
        load(backbone, CHECKPOINTS / ABSOLUTE)
    assert load(backbone, CHECKPOINTS / ABSOLUTE, new=["blocks.0.attn.rel_pos_h"]).counts()["new"] == 6


@pytest.mark.parametrize("name", ["mae_vit_finetune.pth", "mmseg_beit_upernet.pth", PER_BLOCK])
def test_final_norm_is_new_where_the_files_model_has_none(name: str) -> None:
    if "norm.weight" in read_checkpoint(CHECKPOINTS / name).state:
        pytest.skip("it has one")
    report = load(vit_for(name, final_norm=True), CHECKPOINTS / name)
    assert report.new == [(f"norm.{p}", "final norm (the file's model has none)") for p in ("weight", "bias")]


def test_a_clip_vit_gives_a_still_clip_its_images_features() -> None:
    image = INPUTS["image_1x64x64"]
    for name in (PER_BLOCK, ABSOLUTE):
        flat = vit_for(name, out_indices=None)
        words = {word: FILES[name]["arguments"][word] for word in ("embed_dim", "depth", "num_heads")}
        clip = ViTVideo(
            arch=words,
            img_size=64,
            num_frames=8,
            rel_pos="per_block" if name == PER_BLOCK else None,
            abs_pos=name == ABSOLUTE,
            init_values=0.1 if name == PER_BLOCK else None,
            final_norm=name == ABSOLUTE,
        ).eval()
        load(flat, CHECKPOINTS / name)
        report = load(clip, CHECKPOINTS / name)
        assert ("patch_embed.proj.weight", "inflated over time") in report.adapted
        with torch.no_grad():
            expected = flat(image)[-1]
            for frame in clip(image[:, :, None].expand(-1, -1, 8, -1, -1)).unbind(2):
                torch.testing.assert_close(frame, expected, atol=1e-5, rtol=0)


def test_a_slow_only_gives_a_still_clip_its_images_features() -> None:
    name, image = "torchvision_resnet50.pth", INPUTS["image_1x64x64"]
    flat, clip = backbone_for(name), ResNetSlowOnly(**resnet_words(name)).eval()
    load(flat, CHECKPOINTS / name)
    report = load(clip, CHECKPOINTS / name)
    assert {reason for _, reason in report.adapted} == {"inflated over time"}
    assert len(report.adapted) == 53
    with torch.no_grad():
        expected = flat(image)[-1]
        for frame in clip(image[:, :, None].expand(-1, -1, 4, -1, -1)).unbind(2):
            torch.testing.assert_close(frame, expected, atol=1e-5, rtol=0)


def test_a_resnet_of_fewer_stages_leaves_the_rest_of_the_file() -> None:
    name = "torchvision_resnet50.pth"
    backbone = ResNet(**resnet_words(name), num_stages=3)
    report = load(backbone, CHECKPOINTS / name)
    reasons = Counter(reason for _, reason in report.dropped)
    assert reasons == {"a stage that the backbone leaves out": 60, "classification head": 2}


def test_files_from_before_batches_were_counted(tmp_path: Path) -> None:
    name = "torchvision_resnet50.pth"
    state = read_checkpoint(CHECKPOINTS / name).state
    counters = {key: None for key in state if key.endswith("num_batches_tracked")}
    report = load(backbone_for(name), changed(name, tmp_path / "old.safetensors", **counters))
    assert Counter(reason for _, reason in report.new) == {"counter of batches (old files have none)": 53}


def test_a_deep_stem_is_told_from_a_plain_one() -> None:
    name = "torchvision_resnet50.pth"
    with pytest.raises(CheckpointError, match=r"expected a ResNet of arch=.*with deep_stem"):
        load(backbone_for(name, deep_stem=True, stem_channels=4), CHECKPOINTS / name)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({}, False),
        ({"window_size": 3, "img_size": 96}, True),
        ({"window_size": 3, "img_size": 96, "pretrained_window_sizes": (4, 4, 4, 2)}, False),
        ({"img_size": None}, True),  # windows of 4 in the last stage, where the file's is 2
    ],
)
def test_swin_v2_says_where_its_windows_are_not_those_of_the_file(words: dict, told: bool) -> None:
    name = "simmim_swinv2_pretrain.pth"
    report = load(swin_v2_for(name, **words), CHECKPOINTS / name)
    assert bool(report.notes) is told
    if told:
        assert "pretrained_window_sizes=(4, 4, 4, 2)" in report.notes[0]
        assert report.notes[0] in report.summary()
    assert not report.adapted


def test_swin_v2_fine_tuned_files_remember_the_window_of_pre_training() -> None:
    name = "simmim_swinv2_finetune.pth"
    assert not load(swin_v2_for(name), CHECKPOINTS / name).notes
    (note,) = load(swin_v2_for(name, pretrained_window_sizes=None), CHECKPOINTS / name).notes
    assert "windows (4, 4, 4, 2), the backbone measures offsets in (3, 3, 3, 3)" in note


@pytest.mark.parametrize(
    ("name", "family"), [(ABSOLUTE, "ViT"), ("timm_swinv2.pth", "SwinV2"), ("timm_swin.safetensors", "Swin")]
)
def test_another_family_is_one_clear_error(name: str, family: str) -> None:
    with pytest.raises(CheckpointError, match=rf"holds a {family} of .*backbone is a ResNet.*simmim_eval\.{family}'"):
        load(backbone_for("timm_resnet.safetensors"), CHECKPOINTS / name)


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Running statistics that a wrong name would show."""
    for name, buffer in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    model.eval()  # mmseg's returns nothing
    return model


@pytest.mark.slow
def test_deep_stems_of_timm_and_mmseg(tmp_path: Path) -> None:
    compat.install()
    from mmseg.models.backbones import ResNetV1d

    words = {"depth": 18, "base_channels": 8, "stem_channels": 8, "deep_stem": True, "avg_down": True}
    options = {"layers": (2, 2, 2, 2), "channels": (8, 16, 32, 64), "stem_type": "deep", "stem_width": 4}
    timms = randomised(TimmResNet(BasicBlock, **options, avg_down=True, num_classes=3))
    mmsegs = randomised(ResNetV1d(depth=18, base_channels=8, stem_channels=8))
    image, backbone = INPUTS["image_1x61x45"], ResNet(**words).eval()
    for model, format_name in ((timms, "torchvision or timm ResNet"), (mmsegs, "OpenMMLab ResNet-C or -D")):
        save_file(model.state_dict(), tmp_path / "deep.safetensors")
        report = load(backbone, tmp_path / "deep.safetensors")
        assert report.format == format_name
        assert len(report.matched) == len(backbone.state_dict())
        with torch.no_grad():
            expected = model.forward_features(image) if model is timms else model(image)[-1]
            torch.testing.assert_close(backbone(image)[-1], expected, atol=1e-5, rtol=0)
