"""SwinV2 against the official code (stored arrays), timm on equal weights, and its definition written out."""

import itertools
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from backbone_contract import fill, images
from safetensors.torch import load_file
from timm.models.swin_transformer_v2 import SwinTransformerV2 as TimmSwinV2
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm, linear, pad

from simmim_eval.backbones import SwinV2
from simmim_eval.backbones.swin import read_arch
from simmim_eval.backbones.swin_v2 import ARCHITECTURES, SwinV2Arch

SMALL: dict[str, Any] = {"embed_dim": 8, "depths": (1, 2, 2, 1), "num_heads": (1, 2, 2, 4)}


def timms_name(official: str) -> str:
    return re.sub(r"layers\.(\d)\.downsample", lambda found: f"layers.{int(found[1]) + 1}.downsample", official)


@pytest.fixture(scope="module")
def arrays(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim/swin_v2.safetensors")


@pytest.fixture(scope="module")
def encoder(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    start = "model.encoder."
    return {timms_name(name.removeprefix(start)): value for name, value in arrays.items() if name.startswith(start)}


def test_masked_features_of_the_official_pre_training(
    arrays: dict[str, Tensor], encoder: dict[str, Tensor], data_dir: Path
) -> None:
    inputs = load_file(data_dir / "simmim/swin_pretrain.safetensors")
    backbone = SwinV2(SMALL, img_size=96, window_size=6, out_indices=(3,), use_mask_token=True).train()
    backbone.load_state_dict(encoder, strict=True)
    (features,) = backbone(inputs["images"], inputs["mask"].bool())
    torch.testing.assert_close(features, arrays["features"], atol=1e-5, rtol=0)


def test_weights_move_to_another_window_as_they_are(
    arrays: dict[str, Tensor], encoder: dict[str, Tensor], data_dir: Path
) -> None:
    tuned = load_file(data_dir / "simmim/swin_finetune.safetensors")
    backbone = SwinV2(SMALL, img_size=128, window_size=8, pretrained_window_sizes=(6, 6, 6, 3), out_indices=(3,)).eval()
    backbone.load_state_dict({name: value for name, value in encoder.items() if name != "mask_token"}, strict=True)
    pooled = backbone(tuned["images"])[0].mean((2, 3))
    torch.testing.assert_close(pooled, arrays["finetune.pooled"], atol=1e-5, rtol=0)
    forgotten = SwinV2(SMALL, img_size=128, window_size=8, out_indices=(3,)).eval()
    forgotten.load_state_dict(backbone.state_dict())
    assert (forgotten(tuned["images"])[0].mean((2, 3)) - pooled).abs().max() > 1e-3


@pytest.mark.parametrize(("key", "window", "before"), [("pretrain", 6, None), ("finetune", 8, 6)])
def test_log_spaced_offsets_are_the_official_ones(
    arrays: dict[str, Tensor], key: str, window: int, before: int | None
) -> None:
    backbone = SwinV2(SMALL, window_size=window, pretrained_window_sizes=before)
    table = backbone.get_buffer("layers.0.blocks.0.attn.relative_coords_table")
    torch.testing.assert_close(table, arrays[f"coords_table.{key}"], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("arch", "img_size", "window_size", "before"),
    [
        ("nano", 48, None, None),
        ("nano", 96, None, (12, 12, 6)),
        (SMALL, 64, 4, None),
        (SMALL, 64, 8, 7),
        (SMALL, 32, 4, None),  # one cell in the last stage
        (SMALL, 96, (6, 4, 3, 3), (0, 3, 2, 4)),
        (SMALL, (64, 128), 4, None),
        (SMALL, 224, 7, (6, 6, 6, 3)),
        ({**SMALL, "depths": (2, 1, 3, 2), "mlp_ratio": 3.0}, 128, 4, None),
    ],
)
def test_the_official_rule_is_timms(arch: Any, img_size: Any, window_size: Any, before: Any) -> None:
    sizes = read_arch(SwinV2Arch, ARCHITECTURES, arch, window_size)
    stages = len(sizes.depths)
    theirs = TimmSwinV2(
        img_size=img_size,
        embed_dim=sizes.embed_dim,
        depths=sizes.depths,
        num_heads=sizes.num_heads,
        window_size=sizes.windows,
        mlp_ratio=sizes.mlp_ratio,
        pretrained_window_sizes=before if isinstance(before, tuple) else (before or 0,) * stages,
        num_classes=0,
        drop_path_rate=0.0,
    )
    ours = SwinV2(
        arch, img_size=img_size, window_size=window_size, pretrained_window_sizes=before, out_indices=(stages - 1,)
    )
    assert set(ours.state_dict()) == set(theirs.state_dict())
    ours.load_state_dict(fill(theirs).state_dict())
    x = images(*((img_size, img_size) if isinstance(img_size, int) else img_size), batch=1)
    results = []
    for model, features in ((ours, ours(x)[0]), (theirs, theirs.forward_features(x).permute(0, 3, 1, 2))):
        features.pow(2).mean().backward()
        results.append([features, *(p.grad for _, p in sorted(model.named_parameters()))])
    for mine, reference in zip(*results, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-5, rtol=0)


def test_drop_path_rises_as_in_timm() -> None:
    theirs = TimmSwinV2(img_size=64, window_size=4, num_classes=0, drop_path_rate=0.3, **SMALL)
    ours = SwinV2(SMALL, drop_path_rate=0.3)
    rates = [
        [getattr(block.drop_path2, "drop_prob", 0.0) for stage in model.layers for block in stage.blocks]
        for model in (ours, theirs)
    ]
    assert rates[0] == pytest.approx(rates[1])


def test_the_two_rules_are_one_where_every_map_is_larger_than_its_window() -> None:
    arch = {**SMALL, "window_size": 3}
    official = fill(SwinV2(arch, img_size=(97, 130))).eval()
    other = SwinV2(arch).eval()
    other.load_state_dict(official.state_dict())
    for ours, theirs in zip(official(images(97, 130)), other(images(97, 130)), strict=True):
        assert torch.equal(ours, theirs)


def tiles(length: int, window: int, shift: int) -> list[list[int]]:
    """Places along one axis of the padded map that see each other."""
    edges = sorted({0, *range(shift, length, window), length})
    return [list(range(first, last)) for first, last in itertools.pairwise(edges)]


def obvious_attention(x: Tensor, part: dict[str, Tensor], window: int, shift: int, before: int) -> Tensor:
    """The definition: pad with zeros, then every cell looks at every cell of its tile; (H, W, C) to the same."""
    height, width = x.shape[:2]
    x = pad(x, (0, 0, 0, -width % window, 0, -height % window))
    heads = len(part["attn.logit_scale"])
    query_weight, key_weight, value_weight = part["attn.qkv.weight"].chunk(3)
    query = (x @ query_weight.T + part["attn.q_bias"]).unflatten(-1, (heads, -1))
    key = (x @ key_weight.T).unflatten(-1, (heads, -1))
    value = (x @ value_weight.T + part["attn.v_bias"]).unflatten(-1, (heads, -1))
    scale = part["attn.logit_scale"].flatten().exp().clamp(max=100)
    out = torch.zeros_like(x)
    grid = itertools.product(tiles(x.shape[0], window, shift), tiles(x.shape[1], window, shift))
    for rows, columns in grid:
        cells = list(itertools.product(rows, columns))
        for i in cells:
            logits, values = [], []
            for j in cells:
                offset = torch.tensor([i[0] - j[0], i[1] - j[1]], dtype=x.dtype) / (before - 1) * 8
                offset = offset.sign() * (offset.abs() + 1).log2() / math.log2(8)
                hidden = linear(offset, part["attn.cpb_mlp.0.weight"], part["attn.cpb_mlp.0.bias"]).relu()
                bias = 16 / (1 + (-linear(hidden, part["attn.cpb_mlp.2.weight"])).exp())
                lengths = query[i].norm(dim=-1) * key[j].norm(dim=-1)
                cosine = (query[i] * key[j]).sum(-1) / lengths.clamp(min=1e-20)
                logits.append(cosine * scale + bias)
                values.append(value[j])
            weights = torch.stack(logits).softmax(0)
            out[i] = (weights[..., None] * torch.stack(values)).sum(0).flatten()
    return linear(out, part["attn.proj.weight"], part["attn.proj.bias"])[:height, :width]


def obvious_features(image: Tensor, state: dict[str, Tensor], arch: SwinV2Arch, before: tuple[int, ...]) -> Tensor:
    """A SwinV2 under OpenMMLab's rule: (3, H, W) to the last map (C, H', W')."""

    def part(start: str) -> dict[str, Tensor]:
        return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}

    def norm(x: Tensor, name: str) -> Tensor:
        return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    patch = arch.patch_size
    image = pad(image, (0, -image.shape[2] % patch, 0, -image.shape[1] % patch))
    x = conv2d(image[None], state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], patch)[0].permute(1, 2, 0)
    x = norm(x, "patch_embed.norm")
    for stage, depth in enumerate(arch.depths):
        if stage:
            x = pad(x, (0, 0, 0, x.shape[1] % 2, 0, x.shape[0] % 2))
            corners = [x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]]
            x = torch.cat(corners, -1) @ state[f"layers.{stage}.downsample.reduction.weight"].T
            x = norm(x, f"layers.{stage}.downsample.norm")
        window = arch.windows[stage]
        for index in range(depth):
            block = f"layers.{stage}.blocks.{index}"
            own = part(f"{block}.")
            shift = window // 2 if index % 2 else 0
            x = x + norm(obvious_attention(x, own, window, shift, before[stage]), f"{block}.norm1")
            hidden = gelu(linear(x, own["mlp.fc1.weight"], own["mlp.fc1.bias"]))
            x = x + norm(linear(hidden, own["mlp.fc2.weight"], own["mlp.fc2.bias"]), f"{block}.norm2")
            if arch.extra_norm_period and (index + 1) % arch.extra_norm_period == 0:
                x = norm(x, f"{block}.norm3")
    return norm(x, "norm").permute(2, 0, 1)


@pytest.mark.parametrize(
    ("size", "period", "before"), [((7, 10), 0, None), ((11, 6), 2, (5, 2)), ((3, 5), 3, None), ((18, 18), 1, (2, 9))]
)
def test_maps_that_the_window_does_not_divide(
    size: tuple[int, int], period: int, before: tuple[int, int] | None
) -> None:
    """The maps have sides from 1 to 9 cells, the windows 4 and 3."""
    sizes = {"embed_dim": 4, "depths": (2, 3), "num_heads": (1, 2), "window_size": (4, 3), "patch_size": 2}
    arch = read_arch(SwinV2Arch, ARCHITECTURES, {**sizes, "extra_norm_period": period}, None)
    backbone = SwinV2({**sizes, "extra_norm_period": period}, pretrained_window_sizes=before, out_indices=(1,)).double()
    fill(backbone)
    torch.nn.init.constant_(backbone.get_parameter("layers.1.blocks.2.attn.logit_scale"), 5.0)  # beyond the clamp
    x = images(*size, batch=1).double()
    with torch.no_grad():
        reference = obvious_features(x[0], dict(backbone.state_dict()), arch, before or arch.windows)
        # The offsets of the buffers were made in single precision.
        torch.testing.assert_close(backbone(x)[0][0], reference, atol=1e-5, rtol=0)
