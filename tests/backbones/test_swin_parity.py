"""Swin against the official SimMIM code (stored arrays), timm and mmdet on equal weights."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from backbone_contract import fill, images
from safetensors.torch import load_file
from timm.models.swin_transformer import SwinTransformer as TimmSwin
from torch import Tensor, nn

import simmim_eval.compat
from simmim_eval.backbones import Swin
from simmim_eval.backbones.swin import resolve_arch

SMALL: dict[str, Any] = {"embed_dim": 8, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 2, 4)}


def from_official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The official names to timm's: merging moves from the end of a stage to the start of the next."""
    renamed = {}
    for name, value in state.items():
        part = name.split(".")
        if part[0] == "layers" and part[2] == "downsample":
            part[1] = str(int(part[1]) + 1)
        renamed[".".join(part)] = value
    return renamed


def under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


@pytest.fixture(scope="module")
def pretrained(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim/swin_pretrain.safetensors")


def test_masked_features_of_the_official_pre_training(pretrained: dict[str, Tensor]) -> None:
    arch = {**SMALL, "window_size": 6}
    backbone = Swin(arch, img_size=96, out_indices=(3,), use_mask_token=True).train()
    backbone.load_state_dict(from_official(under(pretrained, "model.encoder.")), strict=True)
    (features,) = backbone(pretrained["images"], pretrained["mask"].bool())
    torch.testing.assert_close(features, pretrained["features"], atol=1e-5, rtol=0)


def test_pooled_features_of_the_official_fine_tuning(pretrained: dict[str, Tensor], data_dir: Path) -> None:
    tuned = load_file(data_dir / "simmim/swin_finetune.safetensors")
    state = from_official(under(pretrained, "model.encoder.") | under(tuned, "table."))
    del state["mask_token"]
    backbone = Swin(SMALL, img_size=128, window_size=8, out_indices=(3,)).eval()
    backbone.load_state_dict(state, strict=True)
    torch.testing.assert_close(backbone(tuned["images"])[0].mean((2, 3)), tuned["pooled"], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("arch", "img_size", "window_size"),
    [
        ("nano", 48, None),
        ("nano", 96, None),
        (SMALL, 64, 4),
        (SMALL, 64, 8),
        (SMALL, 80, 5),
        (SMALL, 96, (6, 4, 3, 3)),
        (SMALL, (64, 128), 4),
        (SMALL, 224, 7),
    ],
)
def test_the_official_rule_is_timms(arch: Any, img_size: Any, window_size: Any) -> None:
    sizes = resolve_arch(arch, window_size)
    theirs = TimmSwin(
        img_size=img_size,
        embed_dim=sizes.embed_dim,
        depths=sizes.depths,
        num_heads=sizes.num_heads,
        window_size=sizes.windows,
        num_classes=0,
        drop_path_rate=0.0,
    )
    ours = Swin(arch, img_size=img_size, window_size=window_size, out_indices=(len(sizes.depths) - 1,))
    assert set(ours.state_dict()) == set(theirs.state_dict())
    ours.load_state_dict(fill(theirs).state_dict())
    x = images(*((img_size, img_size) if isinstance(img_size, int) else img_size), batch=1)
    results = []
    for model, features in ((ours, ours(x)[0]), (theirs, theirs.forward_features(x).permute(0, 3, 1, 2))):
        features.pow(2).mean().backward()
        results.append([features, *(p.grad for _, p in sorted(model.named_parameters()))])
    for mine, reference in zip(*results, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)


def test_the_two_rules_are_one_where_every_map_is_larger_than_its_window() -> None:
    arch = {**SMALL, "window_size": 3}
    official = fill(Swin(arch, img_size=(97, 130))).eval()
    other = Swin(arch).eval()
    other.load_state_dict(official.state_dict())
    for ours, theirs in zip(official(images(97, 130)), other(images(97, 130)), strict=True):
        assert torch.equal(ours, theirs)


def as_mmdet(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our state under mmdet's names, with the inputs of its merging channel by channel."""
    words = [
        ("patch_embed.proj.", "patch_embed.projection."),
        ("layers.", "stages."),
        (".attn.", ".attn.w_msa."),
        (".mlp.fc1.", ".ffn.layers.0.0."),
        (".mlp.fc2.", ".ffn.layers.1."),
    ]
    renamed = {}
    for name, value in state.items():
        for ours, theirs in words:
            name = name.replace(ours, theirs, 1)
        part = name.split(".")
        if part[0] == "norm":
            part[0] = "norm3"
        if "downsample" in part:
            part[1] = str(int(part[1]) - 1)
            channels = value.shape[-1] // 4
            # ours: column of the 2 x 2 cell, row, channel; mmdet's: channel, row, column
            value = value.unflatten(-1, (2, 2, channels)).transpose(-1, -3).flatten(-3)
        renamed[".".join(part)] = value
    return renamed


@pytest.fixture(scope="module")
def mmdet_swin() -> type[nn.Module]:
    simmim_eval.compat.install()
    from mmdet.models.backbones.swin import SwinTransformer

    return SwinTransformer


@pytest.mark.parametrize("window_size", [7, 4])
def test_the_default_rule_is_mmdets_at_every_size(mmdet_swin: type[nn.Module], window_size: int) -> None:
    ours = fill(Swin(SMALL, window_size=window_size)).eval()
    theirs = mmdet_swin(embed_dims=8, depths=SMALL["depths"], num_heads=SMALL["num_heads"], window_size=window_size)
    theirs.eval()
    indices = {name: value for name, value in theirs.state_dict().items() if name.endswith("relative_position_index")}
    theirs.load_state_dict(as_mmdet(ours.state_dict()) | indices, strict=True)
    for height, width in [(64, 64), (97, 130), (61, 45), (512, 333), (20, 260), (3, 5), (224, 224)]:
        with torch.no_grad():
            x = images(height, width, batch=1)
            maps = ours(x)
            references = theirs(x)
        for i, (mine, reference) in enumerate(zip(maps, references, strict=True)):
            assert mine.shape[2:] == (math.ceil(height / 4 / 2**i), math.ceil(width / 4 / 2**i))
            torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)


def test_frozen_stages_are_mmdets(mmdet_swin: type[nn.Module]) -> None:
    for stages in range(-1, 5):
        ours = Swin(SMALL, frozen_stages=stages)
        theirs = mmdet_swin(embed_dims=8, depths=SMALL["depths"], num_heads=SMALL["num_heads"], frozen_stages=stages)
        theirs.train()
        frozen = {name: parameter.requires_grad for name, parameter in theirs.named_parameters()}
        still = {name: torch.tensor([[float(p.requires_grad)] * 4]) for name, p in ours.named_parameters()}
        assert {name: bool(flag.any()) for name, flag in as_mmdet(still).items()} == frozen
