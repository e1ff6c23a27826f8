"""Windows and relative positions against loops that say what they are; other sizes against the definitions."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from backbone_contract import fill, images
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from simmim_eval.backbones import ViT
from simmim_eval.backbones.vit_attention import Attention, ViTBlock
from simmim_eval.backbones.vit_relative import Grid, table_bias
from simmim_eval.backbones.vit_resampling import resample, resampling_matrix

CPU = torch.device("cpu")


def tokens(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def places(size: Grid) -> list[tuple[int, int, int]]:
    return [(t, row, column) for t in range(size[0]) for row in range(size[1]) for column in range(size[2])]


def table_loop(table: Tensor, made_for: Grid, size: Grid, class_token: bool) -> Tensor:
    """The bias of every pair, entry by entry; in the plane the table fits."""
    spans = [2 * length - 1 for length in made_for]
    cells: list[Any] = ["class"] * class_token + places(size)
    out = torch.zeros(table.shape[1], len(cells), len(cells), dtype=table.dtype)
    for i, query in enumerate(cells):
        for j, key in enumerate(cells):
            if "class" in (query, key):
                row = -1 if query == key else -3 if query == "class" else -2
                out[:, i, j] = table[row] + (math.log(size[0]) if key == "class" else 0)
                continue
            step = max(1 - made_for[0], min(made_for[0] - 1, query[0] - key[0])) + made_for[0] - 1
            down, right = query[1] - key[1] + made_for[1] - 1, query[2] - key[2] + made_for[2] - 1
            out[:, i, j] = table[(step * spans[1] + down) * spans[2] + right]
    return out


@pytest.mark.parametrize("class_token", [True, False])
@pytest.mark.parametrize(
    ("made_for", "size"),
    [
        ((1, 3, 3), (1, 3, 3)),
        ((1, 2, 4), (1, 2, 4)),
        ((1, 1, 1), (1, 1, 1)),
        ((3, 2, 2), (3, 2, 2)),
        ((3, 2, 3), (2, 2, 3)),
        ((2, 2, 2), (4, 2, 2)),
    ],
)
def test_a_table_is_read_by_offsets(made_for: Grid, size: Grid, class_token: bool) -> None:
    table = tokens(math.prod(2 * length - 1 for length in made_for) + 3 * class_token, 2)
    ours = table_bias(table, made_for, size, class_token)
    torch.testing.assert_close(ours, table_loop(table, made_for, size, class_token), atol=1e-12, rtol=0)


def attention_loop(module: Attention, x: Tensor, size: tuple[int, int]) -> Tensor:
    """Decomposed positions, query by query and key by key: ViTDet adds q·R_row + q·R_column, q not scaled."""
    cells = [(row, column) for row in range(size[0]) for column in range(size[1])]
    dim = x.shape[2]
    width = dim // module.num_heads
    out = torch.zeros_like(x)
    query = x @ module.qkv.weight[:dim].T + module.q_bias
    key = x @ module.qkv.weight[dim : 2 * dim].T
    value = x @ module.qkv.weight[2 * dim :].T + module.v_bias
    for sample in range(len(x)):
        for head in range(module.num_heads):
            part = slice(head * width, (head + 1) * width)
            for i, (row, column) in enumerate(cells):
                q = query[sample, i, part]
                logits = []
                for j, (key_row, key_column) in enumerate(cells):
                    logit = q @ key[sample, j, part] / math.sqrt(width)
                    logit = logit + q @ module.rel_pos_h[row - key_row + size[0] - 1]
                    logits.append(logit + q @ module.rel_pos_w[column - key_column + size[1] - 1])
                out[sample, i, part] = torch.stack(logits).softmax(0) @ value[sample, :, part]
    return out @ module.proj.weight.T + module.proj.bias


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (1, 3)])
def test_decomposed_positions_are_the_written_out_loop(size: tuple[int, int]) -> None:
    module = fill(Attention(8, 2, (1, *size), "decomposed", class_token=False)).double()
    x = tokens(2, math.prod(size), 8)
    results = []
    for output in (module(x, (1, *size), None), attention_loop(module, x, size)):
        module.zero_grad()
        output.pow(2).sum().backward()
        results.append([output, *(parameter.grad for parameter in module.parameters())])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("rel_pos", ["per_block", "decomposed", None])
@pytest.mark.parametrize(("size", "window"), [((4, 6), 2), ((5, 7), 3), ((2, 3), 4), ((1, 1), 3)])
def test_windows_are_pieces_of_the_map_padded_with_zeros(rel_pos: Any, size: tuple[int, int], window: int) -> None:
    attention = Attention(8, 2, (1, window, window), rel_pos, class_token=False)
    block = fill(ViTBlock(8, attention, 2.0, 0.5, 0.0, window)).double()
    x = tokens(2, math.prod(size), 8)
    normed = block.norm1(x).view(2, *size, 8)
    attended = torch.zeros_like(normed)
    for top in range(0, size[0], window):
        for left in range(0, size[1], window):
            piece = torch.zeros(2, window, window, 8, dtype=torch.float64)
            real = normed[:, top : top + window, left : left + window]
            piece[:, : real.shape[1], : real.shape[2]] = real
            out = block.attn(piece.flatten(1, 2), (1, window, window), None).view(2, window, window, 8)
            attended[:, top : top + window, left : left + window] = out[:, : real.shape[1], : real.shape[2]]
    expected = x + block.gamma_1 * attended.flatten(1, 2)
    expected = expected + block.gamma_2 * block.mlp(block.norm2(expected))
    torch.testing.assert_close(block(x, (1, *size), None), expected, atol=1e-12, rtol=0)


def test_windows_of_14_at_1024_pixels() -> None:
    """ViTDet's map of 64 cells is padded to 70; cells of one window see each other and no other cell."""
    sizes = dict(embed_dim=8, depth=2, num_heads=2)
    words = dict(img_size=1024, rel_pos="decomposed", abs_pos=True, class_token=False, window_size=14)
    backbone = fill(ViT(sizes, final_norm=False, **words))
    x = images(1024, 1024, batch=1).requires_grad_()
    backbone(x)[0][0, :, 60, 20].sum().backward()
    rows, columns = x.grad.abs().sum((0, 1)).nonzero().unbind(1)
    assert (rows.min(), rows.max()) == (56 * 16, 1023)
    assert (columns.min(), columns.max()) == (14 * 16, 28 * 16 - 1)


def test_windowed_and_global_blocks_have_tables_of_their_own_size() -> None:
    for rel_pos, name, rows in (
        ("decomposed", "rel_pos_w", (27, 127)),
        ("per_block", "relative_position_bias_table", (27**2, 127**2)),
    ):
        with torch.device("meta"):
            words = dict(class_token=False, window_size=14, global_blocks=(2, 5, 8, 11))
            backbone = ViT("base", img_size=1024, rel_pos=rel_pos, **words)
        for i in range(12):
            assert backbone.get_parameter(f"blocks.{i}.attn.{name}").shape[0] == rows[i % 3 == 2]


@pytest.mark.parametrize("case", ["vit_14to16", "vit_14to24", "swin_7to4"])
def test_the_geometric_matrix_is_the_official_resizing(data_dir: Path, case: str) -> None:
    tables = load_file(data_dir / "simmim/relative_position_tables.safetensors")
    source, target = (tables[f"{case}.{end}"] for end in ("source", "target"))
    classes = 3 if case.startswith("vit") else 0
    sides = [math.isqrt(len(table) - classes) for table in (source, target)]
    grid = source[: sides[0] ** 2].view(sides[0], sides[0], -1)
    ours = resample(grid, "geometric", {0: sides[1], 1: sides[1]}).flatten(0, 1)
    torch.testing.assert_close(ours, target[: len(ours)], atol=1e-6, rtol=0)


@given(st.sampled_from(["bicubic", "linear", "geometric"]), st.integers(0, 12), st.integers(0, 20))
def test_constant_tables_stay_constant(rule: Any, source: int, target: int) -> None:
    matrix = resampling_matrix(rule, 2 * source + 1, 2 * target + 1, CPU, torch.float64)
    assert matrix.shape == (2 * target + 1, 2 * source + 1)
    torch.testing.assert_close(matrix.sum(1), torch.ones(2 * target + 1, dtype=torch.float64), atol=1e-9, rtol=0)


@pytest.mark.parametrize("size", [(3, 7), (9, 4), (12, 12)])
def test_absolute_positions_are_resampled_bicubically(size: tuple[int, int]) -> None:
    grid = tokens(5, 6, 4)
    expected = functional.interpolate(grid.permute(2, 0, 1)[None], size=size, mode="bicubic")[0].permute(1, 2, 0)
    ours = resample(grid, "bicubic", {0: size[0], 1: size[1]})
    torch.testing.assert_close(ours, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("length", [3, 11])
def test_decomposed_positions_are_resampled_linearly(length: int) -> None:
    table = tokens(7, 4)
    expected = functional.interpolate(table.T[None], size=length, mode="linear")[0].T
    torch.testing.assert_close(resample(table, "linear", {0: length}), expected, atol=1e-12, rtol=0)


POSITIONS = [
    dict(rel_pos="shared"),
    dict(rel_pos="per_block"),
    dict(abs_pos=True),
    dict(rel_pos="decomposed", class_token=False),
    dict(rel_pos="per_block", class_token=False, window_size=2, global_blocks=(1,)),
]


def position_parameters(backbone: nn.Module) -> list[nn.Parameter]:
    words = ("relative_position_bias_table", "pos_embed", "rel_pos_h", "rel_pos_w")
    return [parameter for name, parameter in backbone.named_parameters() if name.endswith(words)]


@pytest.mark.parametrize("words", POSITIONS, ids=str)
def test_resampled_positions_follow_their_parameter(words: dict[str, Any]) -> None:
    """Not a value of an earlier pass; and the gradient is that of a finite difference."""
    backbone = fill(ViT(dict(embed_dim=8, depth=2, num_heads=2), img_size=32, patch_size=8, **words)).double().eval()
    x = images(40, 56, batch=1).double()
    with torch.inference_mode():
        before = backbone(x)[0]
    loss = backbone(x)[0].pow(3).sum()
    loss.backward()
    torch.testing.assert_close(loss, before.pow(3).sum().clone())
    for parameter in position_parameters(backbone):
        step = tokens(*parameter.shape) * 1e-6
        with torch.no_grad():
            moved = []
            for sign in (1, -1):
                parameter += sign * step
                moved.append(backbone(x)[0].pow(3).sum())
                parameter -= sign * step
        slope = (moved[0] - moved[1]) / 2
        assert slope != 0
        torch.testing.assert_close((parameter.grad * step).sum(), slope, rtol=1e-4, atol=0)


def test_positions_of_a_larger_image_are_those_of_a_vit_made_for_it() -> None:
    sizes = dict(embed_dim=8, depth=2, num_heads=2)
    small = fill(ViT(sizes, img_size=32, patch_size=8, abs_pos=True)).eval()
    large = ViT(sizes, img_size=(56, 72), patch_size=8, abs_pos=True).eval()
    state = small.state_dict()
    plane = state["pos_embed"][:, 1:].transpose(1, 2).view(1, 8, 4, 4)
    resized = functional.interpolate(plane, size=(7, 9), mode="bicubic").flatten(2).transpose(1, 2)
    state["pos_embed"] = torch.cat([state["pos_embed"][:, :1], resized], 1)
    large.load_state_dict(state)
    x = images(56, 72)
    torch.testing.assert_close(small(x)[0], large(x)[0], atol=1e-5, rtol=0)
