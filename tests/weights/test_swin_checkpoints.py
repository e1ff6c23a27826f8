"""Every Swin file of another project: told by content, loaded whole, with the features its project computes."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
from checkpoint_cases import (
    CHECKPOINTS,
    FILES,
    FORMAT_OF_PROJECT,
    IMAGE_FILES,
    KEYS,
    is_openmmlab,
    swin_for,
    video_for,
)
from safetensors.torch import load_file

from simmim_eval.weights import load, read_checkpoint
from simmim_eval.weights.detect import FORMATS, detect_format
from simmim_eval.weights.report import Report


def accounted(report: Report) -> int:
    return sum(map(len, (report.matched, report.adapted, report.dropped, report.unexpected)))


@pytest.mark.parametrize("name", IMAGE_FILES)
def test_features_equal_those_of_the_project(name: str) -> None:
    backbone = swin_for(name)
    load(backbone, CHECKPOINTS / name)
    inputs = load_file(CHECKPOINTS / "inputs.safetensors")
    expected = load_file(CHECKPOINTS / FILES[name]["features"])
    compared = 0
    for key, features in expected.items():
        size, output = key.removeprefix("at_").split(".") if key.startswith("at_") else ("", key)
        if output == "last":
            index = -1
        elif output.startswith("out"):
            index = int(output.removeprefix("out"))
        else:
            continue
        side = FILES[name]["arguments"]["img_size"]
        with torch.no_grad():
            outputs = backbone(inputs[f"image_1x{size or f'{side}x{side}'}"])
        torch.testing.assert_close(outputs[index], features, atol=1e-5, rtol=0)
        compared += 1
    assert compared == len([key for key in expected if key.split(".")[-1].startswith(("last", "out"))]) - (
        "masked.last" in expected
    )


@pytest.mark.parametrize("name", IMAGE_FILES)
def test_every_tensor_of_the_file_is_in_one_list(name: str) -> None:
    report = load(swin_for(name, out_indices=None), CHECKPOINTS / name)
    entry = FILES[name]
    assert report.format == FORMAT_OF_PROJECT[entry["project"]]
    assert accounted(report) == entry["tensors"]
    assert not report.missing and not report.unexpected and not report.adapted
    assert sorted(source for _, source in report.matched) == sorted(KEYS[name])
    reasons = Counter(reason for _, reason in report.dropped)
    expected = dict(entry["dropped"])
    if name == "mmseg_swin_upernet.pth":  # the index counts the batch norm counters of the heads as buffers
        counters = sum(key.endswith("num_batches_tracked") for key, _ in report.dropped)
        expected["recomputed buffer"] -= counters
        expected["other parts of the model"] += counters
    assert reasons == expected
    norms = {"output norm of a dense task": 0 if any(key.endswith("norm0.weight") for key in KEYS[name]) else 6}
    assert Counter(reason for _, reason in report.new) == Counter(norms)


@pytest.mark.parametrize("name", IMAGE_FILES)
def test_told_by_content_under_another_name(name: str, tmp_path: Path) -> None:
    renamed = tmp_path / "weights.bin"
    shutil.copyfile(CHECKPOINTS / name, renamed)
    report = load(swin_for(name), renamed)
    assert report.format == FORMAT_OF_PROJECT[FILES[name]["project"]]
    assert report.counts()["matched"] == FILES[name]["backbone_tensors"]


@pytest.mark.parametrize("name", [*IMAGE_FILES, "mmaction_swin3d.pth"])
def test_round_trip(name: str) -> None:
    state = read_checkpoint(CHECKPOINTS / name).state
    found = detect_format(state)
    back = found.from_ours(found.to_ours(state).state)
    prefix = FILES[name]["prefix"]
    original = {key.removeprefix(prefix): state[key] for key in KEYS[name]}
    if f"{prefix}mask_token" in state:
        original["mask_token"] = state[f"{prefix}mask_token"]
    assert back.keys() == original.keys()
    for key, tensor in original.items():
        assert torch.equal(back[key], tensor), key


@pytest.mark.parametrize("target", [known for known in FORMATS if known.family == "Swin"], ids=lambda known: known.name)
def test_a_backbone_survives_each_format(target) -> None:
    backbone = swin_for("timm_swin.safetensors")
    ours = backbone.state_dict()
    prefix = "backbone." if "simmim" in target.name else ""
    foreign = {prefix + key: tensor for key, tensor in target.from_ours(ours).items()}
    if "Video" in target.name:
        foreign["patch_embed.proj.weight"] = foreign["patch_embed.proj.weight"][:, :, None]
    found = detect_format(foreign)
    assert found is target
    back = found.to_ours(foreign).state
    if "Video" in target.name:
        back["patch_embed.proj.weight"] = back["patch_embed.proj.weight"][:, :, 0]
    assert back.keys() == ours.keys()
    assert all(torch.equal(back[key], ours[key]) for key in ours)


@pytest.mark.parametrize("name", ["timm_swin.safetensors", "swin_supervised_released.pth", "mmdet_swin_mask_rcnn.pth"])
def test_prefix_of_data_parallel_training(name: str, tmp_path: Path) -> None:
    state = read_checkpoint(CHECKPOINTS / name).state
    path = tmp_path / "parallel.pth"
    torch.save({"state_dict": {f"module.{key}": tensor for key, tensor in state.items()}}, path)
    report = load(swin_for(name), path)
    plain = load(swin_for(name), CHECKPOINTS / name)
    assert report.counts() == plain.counts()


def test_timm_takes_what_we_write_for_it() -> None:
    from timm.models.swin_transformer import SwinTransformer

    name = "simmim_swin_finetune.pth"
    backbone = swin_for(name)
    load(backbone, CHECKPOINTS / name)
    timm_format = next(known for known in FORMATS if known.name == "timm Swin")
    model = SwinTransformer(img_size=64, embed_dim=4, depths=(1, 2, 2, 1), num_heads=(1, 2, 2, 4), window_size=4)
    result = model.load_state_dict(timm_format.from_ours(backbone.state_dict()), strict=False)
    assert not result.unexpected_keys
    assert all(key.startswith("head.") for key in result.missing_keys)
    image = load_file(CHECKPOINTS / "inputs.safetensors")["image_1x64x64"]
    with torch.no_grad():
        theirs = model.eval().forward_features(image).permute(0, 3, 1, 2)
        torch.testing.assert_close(backbone(image)[0], theirs, atol=1e-5, rtol=0)


def test_dense_norms_are_dropped_with_a_reason_where_only_the_last_stage_is_put_out() -> None:
    name = "mmdet_swin_mask_rcnn.pth"
    assert is_openmmlab(name)
    report = load(swin_for(name, out_indices=(3,)), CHECKPOINTS / name)
    reasons = Counter(reason for _, reason in report.dropped)
    assert reasons["norm of a stage that the backbone does not put out"] == 6
    assert accounted(report) == FILES[name]["tensors"]


def test_mask_token_is_loaded_where_there_is_one_and_new_where_the_file_has_none() -> None:
    token = read_checkpoint(CHECKPOINTS / "simmim_swin_pretrain.pth").state["encoder.mask_token"]
    backbone = swin_for("simmim_swin_pretrain.pth", use_mask_token=True)
    load(backbone, CHECKPOINTS / "simmim_swin_pretrain.pth")
    assert torch.equal(backbone.mask_token, token)
    report = load(swin_for("timm_swin.safetensors", use_mask_token=True), CHECKPOINTS / "timm_swin.safetensors")
    assert [name for name, _ in report.new] == ["mask_token"]


def test_video_file_into_a_video_backbone() -> None:
    name = "mmaction_swin3d.pth"
    frames, side, _ = FILES[name]["arguments"]["window_size"]
    backbone = video_for(name, window_size=side, window_size_t=frames)
    report = load(backbone, CHECKPOINTS / name)
    assert report.format == "mmaction2 Video Swin"
    assert accounted(report) == FILES[name]["tensors"]
    assert len(report.matched) == FILES[name]["backbone_tensors"] == len(backbone.state_dict())
