"""Every ViT, SwinV2 and ResNet file of another project: told by content, loaded whole, with the project's features."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, FILES, FORMAT_OF_FILE, KEYS, OTHER_FILES, backbone_for, vit_for
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from simmim_eval.backbones import Backbone
from simmim_eval.weights import load, read_checkpoint
from simmim_eval.weights.detect import FORMATS, detect_format
from simmim_eval.weights.format import Format

INPUTS = load_file(CHECKPOINTS / "inputs.safetensors")
# What a file has for classification or for its own pre-training only; our backbone computes none of it.
NOT_COMPARED = ("class_token", "pooled", "logits", "mask", "visible")


def image_for(name: str, size: str) -> Tensor:
    side = FILES[name]["arguments"].get("img_size", 64)
    return INPUTS[f"image_1x{size or f'{side}x{side}'}"]


def own_output(name: str, backbone: Backbone, image: Tensor, output: str) -> Tensor:
    """What the project calls ``stage0``, ``out0``, ``block0`` or ``last``, of our backbone."""
    family = FILES[name]["family"]
    if family == "swinv2" and output.startswith("stage"):  # our contract norms what it puts out
        maps: list[Tensor] = []
        stage = backbone.get_submodule(f"layers.{output.removeprefix('stage')}")
        hook = stage.register_forward_hook(lambda module, inputs, result: maps.append(result))
        backbone(image)
        hook.remove()
        return maps[0].permute(0, 3, 1, 2)
    if output == "last":
        return backbone(image)[-1]
    return backbone(image)[int(output[-1])]


@pytest.mark.parametrize("name", OTHER_FILES)
def test_features_equal_those_of_the_project(name: str) -> None:
    backbone = backbone_for(name)
    load(backbone, CHECKPOINTS / name)
    compared = 0
    for key, features in load_file(CHECKPOINTS / FILES[name]["features"]).items():
        size, output = key.removeprefix("at_").split(".") if key.startswith("at_") else ("", key)
        if output.startswith(NOT_COMPARED) or key.startswith(("masked.", "finetune_")):
            continue
        if size and name.startswith(("dino", "timm_vit")):
            continue  # they resize positions by other rules: a scale factor with 0.1 added, antialiasing
        target = backbone
        if output == f"block{FILES[name]['arguments'].get('depth', 0) - 1}":  # without the norm that follows it
            target = vit_for(name, final_norm=False)
            load(target, CHECKPOINTS / name)
        with torch.no_grad():
            found = own_output(name, target, image_for(name, size), output)
        torch.testing.assert_close(found, features, atol=1e-5, rtol=0)
        compared += 1
    assert compared >= 1


@pytest.mark.parametrize("name", ["simmim_vit_pretrain.pth", "beit_vit_pretrain.pth", "simmim_swinv2_pretrain.pth"])
def test_masked_features_equal_those_of_the_project(name: str) -> None:
    expected = load_file(CHECKPOINTS / FILES[name]["features"])
    backbone = backbone_for(name, use_mask_token=True)
    load(backbone, CHECKPOINTS / name)
    with torch.no_grad():
        found = backbone(image_for(name, ""), expected["mask"].bool())[-1]
    torch.testing.assert_close(found, expected["masked.last"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [64, 96])
def test_mae_fine_tuned_at_another_size_equals_the_official_class(side: int) -> None:
    name = "mae_vit_pretrain.pth"
    backbone = vit_for(name, img_size=side, final_norm=False)
    report = load(backbone, CHECKPOINTS / name)
    resized = [reason for tensor, reason in report.adapted if tensor == "pos_embed"]
    assert resized == (["positions resized from 4x4 to 6x6"] if side == 96 else [])
    assert [reason for _, reason in report.dropped if "final norm" in reason] == [
        "final norm (the backbone has none)"
    ] * 2
    expected = load_file(CHECKPOINTS / FILES[name]["features"])[f"finetune_{side}.last_before_norm"]
    with torch.no_grad():
        found = backbone(INPUTS[f"image_1x{side}x{side}"])[-1]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("still", [False, True])
def test_slow_only_features_equal_those_of_mmaction(still: bool) -> None:
    name = "mmaction_slowonly.pth"
    backbone = backbone_for(name)
    load(backbone, CHECKPOINTS / name)
    clip = INPUTS["image_1x48x48"][:, :, None].expand(-1, -1, 4, -1, -1) if still else INPUTS["clip_1x4x48x48"]
    expected = load_file(CHECKPOINTS / FILES[name]["features"])["still.out3" if still else "out3"]
    with torch.no_grad():
        torch.testing.assert_close(backbone(clip), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [*OTHER_FILES, "mmaction_slowonly.pth"])
def test_every_tensor_of_the_file_is_in_one_list(name: str) -> None:
    report = load(backbone_for(name), CHECKPOINTS / name)
    entry = FILES[name]
    assert report.format == FORMAT_OF_FILE[name]
    assert not report.missing and not report.unexpected and not report.new
    reasons = Counter(reason for _, reason in report.dropped)
    split = reasons.pop("key bias, constant in the softmax", 0)
    assert split == sum(key.endswith("attn.qkv.bias") for key in KEYS[name])
    assert Counter(reason for _, reason in report.adapted) == Counter(
        {"part 1 of 3 of attn.qkv.bias": split, "part 3 of 3 of attn.qkv.bias": split}
    )
    read = len(report.matched) + split
    counters = sum(tensor.endswith("num_batches_tracked") for tensor, _ in report.matched)
    # SimMIM's fine-tuned file counts the norm of its pooled vector to the backbone; ours has it in the classifier
    pooled_norm = sum("fc_norm" in key for key in KEYS[name])
    assert read == entry["backbone_tensors"] + counters - pooled_norm
    assert read + sum(reasons.values()) == entry["tensors"]
    for reason, count in entry["dropped"].items():
        if reason in ("recomputed buffer", "other parts of the model", "decoder and tokens of pre-training"):
            continue  # the index calls the batch counters of heads and decoders buffers
        extra = pooled_norm if reason.startswith("norm of the pooled") else 0
        counters = sum(why == reason and tensor.endswith("num_batches_tracked") for tensor, why in report.dropped)
        assert count + extra in (reasons[reason], reasons[reason] - counters), reason


@pytest.mark.parametrize("name", OTHER_FILES)
def test_told_by_content_under_another_name(name: str, tmp_path: Path) -> None:
    renamed = tmp_path / "weights.bin"
    shutil.copyfile(CHECKPOINTS / name, renamed)
    assert load(backbone_for(name), renamed).format == FORMAT_OF_FILE[name]


@pytest.mark.parametrize("name", [*OTHER_FILES, "mmaction_slowonly.pth"])
def test_round_trip(name: str) -> None:
    state = read_checkpoint(CHECKPOINTS / name).state
    found = detect_format(state)
    translation = found.to_ours(state)
    back = found.from_ours(translation.state)
    prefix = FILES[name]["prefix"]
    assert len(back) == len(set(translation.sources.values()))
    for source in set(translation.sources.values()):
        key, value = source.removeprefix(prefix), state[source]
        found_value = back[key.replace("rpe_mlp", "cpb_mlp")]
        if key.endswith("attn.qkv.bias"):  # the key's part has no effect and is 0 on the way back
            value = torch.cat([value.chunk(3)[0], torch.zeros_like(value.chunk(3)[1]), value.chunk(3)[2]])
        assert torch.equal(found_value, value), source


@pytest.mark.parametrize("target", [known for known in FORMATS if known.family != "Swin"], ids=lambda known: known.name)
def test_a_backbone_survives_each_format(target: Format) -> None:
    marks = {"official SimMIM or BEiT ViT": "encoder.", "MoCo v3": "base_encoder.", "SparK": "sp_cnn."}
    inside = ("simmim-eval", "DINO", "OpenMMLab ResNet")
    deep = {"deep_stem": True, "stem_channels": 4} if "-C or -D" in target.name else {}
    prefix = next((prefix for name, prefix in marks.items() if target.name.startswith(name)), "")
    prefix = "backbone." if target.name.startswith(inside) else prefix
    name = {"ViT": "timm_vit.safetensors", "SwinV2": "timm_swinv2.pth", "ResNet": "timm_resnet.safetensors"}
    ours = backbone_for(name[target.family], **deep).state_dict()
    foreign = {prefix + key: tensor for key, tensor in target.from_ours(ours).items()}
    if target.name == "MAE ViT":
        foreign["mask_token"] = torch.zeros(1, 1, 16)
    assert detect_format(foreign) is target
    back = target.to_ours(foreign).state
    assert back.keys() == ours.keys()
    assert all(torch.equal(back[key], ours[key]) for key in ours)


def test_timm_takes_what_we_write_for_it() -> None:
    name = "timm_vit.safetensors"
    backbone = vit_for(name)
    load(backbone, CHECKPOINTS / name)
    timm_format = next(known for known in FORMATS if known.name == "timm ViT")
    model = VisionTransformer(img_size=64, embed_dim=16, depth=3, num_heads=2, num_classes=0)
    model.load_state_dict(timm_format.from_ours(backbone.state_dict()))
    image = image_for(name, "")
    with torch.no_grad():
        theirs = model.eval().forward_features(image)[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)
        torch.testing.assert_close(backbone(image)[-1], theirs, atol=1e-5, rtol=0)
