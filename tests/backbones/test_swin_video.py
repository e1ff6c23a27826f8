"""SwinVideo: the contract for clips, still clips against images, and mmaction's Video Swin on equal weights."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from backbone_contract import PlugContract, fill, images
from torch import Tensor, nn

import simmim_eval.compat
from simmim_eval.backbones import Swin, SwinVideo
from simmim_eval.backbones.swin_video import inflate, relative_position_index
from simmim_eval.errors import ConfigError, MaskError

SMALL: dict[str, Any] = {"embed_dim": 8, "depths": (2, 2, 2), "num_heads": (1, 2, 4), "window_size": (6, 3, 3)}


def clips(frames: int, height: int, width: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, 3, frames, height, width, generator=torch.Generator().manual_seed(4))


class TestSwinVideo(PlugContract):
    config = {"type": "simmim_eval.SwinVideo", "arch": "nano", "window_size_t": 2}
    stem = "patch_embed.proj.weight"

    def inputs(self, height: int, width: int) -> Tensor:
        return clips(6, height, width, batch=2)


def test_the_last_map_comes_bare() -> None:
    backbone = fill(SwinVideo("nano"))
    output = backbone(clips(7, 61, 45))
    assert output.shape == (1, 128, 4, 4, 3)
    assert output.is_contiguous()
    assert (backbone.channels, backbone.feature_strides) == ((128,), (16,))


def pair(window_size_t: int = 8, patch_size_t: int = 2) -> tuple[Swin, SwinVideo]:
    image = fill(Swin(SMALL, out_indices=(2,)))
    clip = SwinVideo(SMALL, patch_size_t=patch_size_t, window_size_t=window_size_t)
    clip.load_state_dict(clip.inflate(image.state_dict()), strict=True)
    return image, clip


def test_kept_motion_filters_tell_the_direction_of_time_and_leave_a_still_clip_alone() -> None:
    image = fill(Swin(SMALL, out_indices=(2,)))
    plain, moving = (SwinVideo(SMALL, window_size_t=4, keep_motion_filters=keep) for keep in (False, True))
    for backbone in (plain, moving):
        backbone.load_state_dict(backbone.inflate(image.state_dict()), strict=True)
    x = images(48, 48)
    still = x[:, :, None].expand(-1, -1, 4, -1, -1)
    torch.testing.assert_close(moving(still), plain(still), atol=1e-5, rtol=0)
    pair_of_frames = torch.stack([x, x.flip(-1)], 2)
    embedded = {backbone: backbone.patch_embed(pair_of_frames) for backbone in (plain, moving)}
    reversed_ = {backbone: backbone.patch_embed(pair_of_frames.flip(2)) for backbone in (plain, moving)}
    torch.testing.assert_close(embedded[plain], reversed_[plain], atol=1e-5, rtol=0)
    assert (embedded[moving] - reversed_[moving]).abs().max() > 0.1


@pytest.mark.parametrize(
    ("window_size_t", "patch_size_t", "lengths"),
    [
        (8, 2, (1, 2, 3, 4, 8, 12, 15, 16, 18, 32)),
        (2, 2, (2, 4, 6, 7, 8, 10)),
        (3, 1, (1, 2, 3, 4, 5, 7)),
        (1, 2, (4, 6)),
    ],
)
@pytest.mark.parametrize("size", [(48, 48), (61, 45)])
def test_a_still_clip_gives_the_features_of_its_image(
    window_size_t: int, patch_size_t: int, lengths: tuple[int, ...], size: tuple[int, int]
) -> None:
    image, clip = pair(window_size_t, patch_size_t)
    x = images(*size)
    with torch.no_grad():
        (expected,) = image(x)
        for frames in lengths:
            output = clip(x[:, :, None].expand(-1, -1, frames, -1, -1))
            assert output.shape[2] == -(-frames // patch_size_t)
            torch.testing.assert_close(output, expected[:, :, None].expand_as(output), atol=1e-5, rtol=0)


@pytest.mark.parametrize("frames", [4, 10])
def test_the_order_of_frames_matters(frames: int) -> None:
    backbone = fill(SwinVideo(SMALL, window_size_t=2)).eval()
    x = clips(frames, 48, 48)
    forwards, backwards = backbone(x), backbone(x.flip(2))
    assert (forwards.mean((2, 3, 4)) - backwards.mean((2, 3, 4))).abs().max() > 1e-2


def test_frames_added_to_fill_a_window_are_never_seen() -> None:
    """A clip of 3 windows and one frame, in which all windows in time but the last are full."""
    backbone = fill(SwinVideo({**SMALL, "depths": (1, 1, 1)}, patch_size_t=1, window_size_t=3)).eval()
    x = clips(7, 48, 48)
    torch.testing.assert_close(backbone(x)[:, :, 6:], backbone(x[:, :, 6:]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("frames", "side"), [(1, 1), (1, 3), (2, 3), (4, 2)])
def test_the_index_counts_offsets_time_slowest(frames: int, side: int) -> None:
    table_frames = 4
    offsets = [
        (time, row, column)
        for time in range(1 - table_frames, table_frames)
        for row in range(1 - side, side)
        for column in range(1 - side, side)
    ]
    cells = [(time, row, column) for time in range(frames) for row in range(side) for column in range(side)]
    index = relative_position_index(frames, table_frames, side, torch.device("cpu"))
    for i, query in enumerate(cells):
        for j, key in enumerate(cells):
            assert offsets[index[i, j]] == tuple(q - k for q, k in zip(query, key, strict=True))


def test_layers_are_those_of_the_image_model() -> None:
    image, clip = pair()
    assert {name: image.layer_id(name) for name, _ in image.named_parameters()} == {
        name: clip.layer_id(name) for name, _ in clip.named_parameters()
    }
    assert image.no_weight_decay() == clip.no_weight_decay()
    assert image.num_layers == clip.num_layers


def test_inflation_repeats_over_time() -> None:
    state = fill(Swin(SMALL, out_indices=(2,))).state_dict()
    clip = inflate(state, patch_size_t=4, window_size_t=3)
    weight = clip["patch_embed.proj.weight"]
    torch.testing.assert_close(weight.sum(2), state["patch_embed.proj.weight"])
    assert (weight == weight[:, :, :1]).all()
    name = "layers.1.blocks.1.attn.relative_position_bias_table"
    table = clip[name].view(5, 5, 5, 2)
    assert all(torch.equal(plane, state[name].view(5, 5, 2)) for plane in table)
    assert set(clip) == set(state)


@pytest.mark.parametrize("words", [{"patch_size_t": 0}, {"window_size_t": 0}])
def test_sizes_in_time_are_checked(words: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="expected at least 1"):
        SwinVideo("nano", **words)


def test_clips_are_not_masked() -> None:
    with pytest.raises(MaskError, match="Remove mask"):
        SwinVideo("nano")(clips(2, 48, 48), torch.zeros(1, 12, 12).bool())


@pytest.fixture(scope="module")
def mmaction_swin() -> Callable[..., nn.Module]:
    simmim_eval.compat.install()
    from mmaction.models.backbones.swin import SwinTransformer3D

    return SwinTransformer3D


# A map of the last stage as large as the window, in a stage of one block: there upstream, which drops the shift and
# takes the corner of the index, is right.
@pytest.mark.parametrize("frames", [4, 8, 16])
def test_full_windows_are_mmactions(mmaction_swin: Callable[..., nn.Module], frames: int) -> None:
    sizes = {"depths": [2, 2, 1], "num_heads": [1, 2, 4]}
    theirs = mmaction_swin(
        arch={"embed_dims": 8, **sizes}, window_size=(4, 3, 3), pretrained2d=False, drop_path_rate=0.0, out_indices=(2,)
    )
    ours = SwinVideo({"embed_dim": 8, "window_size": 3, **sizes}, window_size_t=4)
    fill(theirs)
    theirs.eval()
    state = {}
    for name, value in theirs.named_parameters():
        part = name.split(".")
        if "downsample" in part:
            part[1] = str(int(part[1]) + 1)
        state[".".join(part).replace("norm2.", "norm.") if part[0] == "norm2" else ".".join(part)] = value
    ours.load_state_dict(state, strict=True)
    x = clips(frames, 48, 48)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)
