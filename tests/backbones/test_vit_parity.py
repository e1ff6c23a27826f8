"""ViT against the official SimMIM code (stored arrays), timm's Beit and ViT, and mmseg's BEiT and MAE."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from backbone_contract import fill, images
from safetensors.torch import load_file
from timm.models.beit import Beit
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

import simmim_eval.compat
from simmim_eval.backbones import ViT

SMALL: dict[str, Any] = {"embed_dim": 32, "depth": 3, "num_heads": 4}


def under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


@pytest.fixture(scope="module")
def pretrained(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim/vit_pretrain.safetensors")


@pytest.mark.parametrize("with_cp", [False, True])
def test_masked_features_of_the_official_pre_training(pretrained: dict[str, Tensor], with_cp: bool) -> None:
    backbone = ViT(SMALL, img_size=96, rel_pos="shared", init_values=0.1, use_mask_token=True, with_cp=with_cp).train()
    backbone.load_state_dict(under(pretrained, "model.encoder."), strict=True)
    (features,) = backbone(pretrained["images"], pretrained["mask"].bool())
    torch.testing.assert_close(features, pretrained["features"], atol=1e-5, rtol=0)


def test_pooled_features_of_the_official_fine_tuning(pretrained: dict[str, Tensor], data_dir: Path) -> None:
    """fc_norm of the mean of the patches; another size, with the tables that the official loading made."""
    tuned = load_file(data_dir / "simmim/vit_finetune.safetensors")
    state = under(pretrained, "model.encoder.") | under(tuned, "table.")
    for name in ("mask_token", "norm.weight", "norm.bias", "rel_pos_bias.relative_position_bias_table"):
        del state[name]
    backbone = ViT(SMALL, img_size=128, rel_pos="per_block", init_values=0.1, final_norm=False).eval()
    backbone.load_state_dict(state, strict=True)
    pooled = backbone(tuned["images"])[0].mean((2, 3))
    norm = nn.LayerNorm(32, eps=1e-6)
    norm.load_state_dict(under(tuned, "own.fc_norm."))
    torch.testing.assert_close(norm(pooled), tuned["pooled"], atol=1e-5, rtol=0)


def test_a_table_of_another_size_gives_what_the_official_loading_gives(
    pretrained: dict[str, Tensor], data_dir: Path
) -> None:
    """The shared table made for 96 pixels, on images of 128, against the tables resized on loading."""
    tuned = load_file(data_dir / "simmim/vit_finetune.safetensors")
    state = under(pretrained, "model.encoder.")
    words = dict(arch=SMALL, init_values=0.1, use_mask_token=True)
    here = ViT(img_size=96, rel_pos="shared", **words).eval()
    here.load_state_dict(state)
    there = ViT(img_size=128, rel_pos="per_block", **words).eval()
    del state["rel_pos_bias.relative_position_bias_table"]
    there.load_state_dict(state | under(tuned, "table."))
    torch.testing.assert_close(here(tuned["images"])[0], there(tuned["images"])[0], atol=1e-5, rtol=0)


def compare(ours: ViT, theirs: nn.Module, names: dict[str, str], x: Tensor) -> None:
    """Maps and gradients; ``names`` from ours to theirs."""
    features = ours(x)[0]
    tokens = theirs.forward_features(x)
    reference = tokens[:, 1:].transpose(1, 2).reshape(features.shape)
    torch.testing.assert_close(features, reference, atol=1e-5, rtol=0)
    for maps in (features, reference):
        maps.pow(2).mean().backward()
    for mine, name in names.items():
        torch.testing.assert_close(
            ours.get_parameter(mine).grad, theirs.get_parameter(name).grad, atol=1e-5, rtol=0, msg=mine
        )


@pytest.mark.parametrize("img_size", [32, (32, 48)])
@pytest.mark.parametrize(
    ("words", "theirs"),
    [
        (dict(rel_pos="shared", init_values=0.1), dict(use_shared_rel_pos_bias=True, init_values=0.1)),
        (dict(rel_pos="per_block", init_values=0.1), dict(use_rel_pos_bias=True, init_values=0.1)),
        (dict(rel_pos="per_block", abs_pos=True), dict(use_rel_pos_bias=True, use_abs_pos_emb=True)),
        (dict(abs_pos=True, init_values=1e-3), dict(use_abs_pos_emb=True, init_values=1e-3)),
    ],
)
def test_equal_weights_give_what_timms_beit_gives(
    words: dict[str, Any], theirs: dict[str, Any], img_size: int | tuple[int, int]
) -> None:
    defaults = dict(use_abs_pos_emb=False, global_pool="token", num_classes=0, patch_size=8, img_size=img_size)
    beit = fill(Beit(**{**defaults, **SMALL, **theirs})).train()
    ours = ViT(SMALL, img_size=img_size, patch_size=8, **words).train()
    ours.load_state_dict(beit.state_dict(), strict=True)
    x = images(*((img_size, img_size) if isinstance(img_size, int) else img_size))
    compare(ours, beit, {name: name for name, _ in ours.named_parameters()}, x)


@pytest.mark.parametrize("depth", [1, 3])
def test_equal_weights_give_what_timms_vit_gives(depth: int) -> None:
    sizes = {**SMALL, "depth": depth}
    vit = fill(VisionTransformer(img_size=48, patch_size=8, num_classes=0, **sizes)).train()
    ours = ViT(sizes, img_size=48, patch_size=8, abs_pos=True).train()
    state = dict(vit.state_dict())
    for name in [name for name in state if name.endswith("attn.qkv.bias")]:
        query, _, value = state.pop(name).chunk(3)  # the key bias moves all logits of a query together
        block = name.removesuffix("qkv.bias")
        state |= {f"{block}q_bias": query, f"{block}v_bias": value}
    ours.load_state_dict(state, strict=True)
    names = {name: name for name, _ in ours.named_parameters() if not name.endswith(("q_bias", "v_bias"))}
    compare(ours, vit, names, images(48, 48))
    for i in range(depth):
        query, key, value = vit.get_parameter(f"blocks.{i}.attn.qkv.bias").grad.chunk(3)
        assert key.abs().max() < 1e-6
        for bias, gradient in (("q_bias", query), ("v_bias", value)):
            ours_grad = ours.get_parameter(f"blocks.{i}.attn.{bias}").grad
            torch.testing.assert_close(ours_grad, gradient, atol=1e-5, rtol=0)


def as_mmseg(state: dict[str, Tensor], fused_bias: bool) -> dict[str, Tensor]:
    """Our state under mmseg's names."""
    words = [
        ("patch_embed.proj.", "patch_embed.projection."),
        ("blocks.", "layers."),
        (".norm1.", ".ln1."),
        (".norm2.", ".ln2."),
        (".mlp.fc1.", ".ffn.layers.0.0."),
        (".mlp.fc2.", ".ffn.layers.1."),
    ]
    renamed = {}
    for name, value in state.items():
        for ours, theirs in words:
            name = name.replace(ours, theirs, 1)
        if fused_bias and name.endswith("q_bias"):
            other = state[name.replace("layers.", "blocks.").replace("q_bias", "v_bias")]
            renamed[name.replace("q_bias", "qkv.bias")] = torch.cat([value, torch.ones_like(value), other])
        elif not (fused_bias and name.endswith("v_bias")):
            renamed[name] = value
    return renamed


@pytest.fixture(scope="module")
def mmseg_backbones() -> ModuleType:
    simmim_eval.compat.install()
    from mmseg.models import backbones

    return backbones


@pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning")
@pytest.mark.parametrize("kind", ["BEiT", "MAE"])
def test_equal_weights_give_what_mmseg_gives(mmseg_backbones: ModuleType, kind: str) -> None:
    theirs = getattr(mmseg_backbones, kind)(
        img_size=(48, 48),
        patch_size=8,
        embed_dims=32,
        num_layers=3,
        num_heads=4,
        out_indices=(0, 1, 2),
        init_values=0.1,
        norm_cfg=dict(type="LN", eps=1e-6),
    )
    theirs.eval()
    ours = fill(
        ViT(
            SMALL,
            img_size=48,
            patch_size=8,
            rel_pos="per_block",
            abs_pos=kind == "MAE",
            init_values=0.1,
            final_norm=False,
            out_indices=(0, 1, 2),
        )
    ).eval()
    indices = {name: value for name, value in theirs.state_dict().items() if name.endswith("relative_position_index")}
    theirs.load_state_dict(as_mmseg(ours.state_dict(), kind == "MAE") | indices, strict=True)
    x = images(48, 48)
    with torch.no_grad():
        for mine, reference in zip(ours(x), theirs(x), strict=True):
            torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)
