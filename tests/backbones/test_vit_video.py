"""ViTVideo: the contract for clips, and still clips against images."""

from typing import Any

import pytest
import torch
from backbone_contract import PlugContract, fill, images
from torch import Tensor

from simmim_eval.backbones import ViT, ViTVideo
from simmim_eval.backbones.vit_video import inflate
from simmim_eval.errors import MaskError

SMALL: dict[str, Any] = {"embed_dim": 16, "depth": 2, "num_heads": 2}


def clips(frames: int, height: int, width: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, 3, frames, height, width, generator=torch.Generator().manual_seed(4))


class TestTables(PlugContract):
    config = {
        "type": "simmim_eval.ViTVideo",
        "arch": SMALL,
        "img_size": 48,
        "patch_size": 8,
        "num_frames": 6,
        "rel_pos": "shared",
        "init_values": 0.1,
    }
    stem = "patch_embed.proj.weight"

    def inputs(self, height: int, width: int) -> Tensor:
        return clips(5, height, width, batch=2)


class TestAbsolutePositions(TestTables):
    config = {**TestTables.config, "rel_pos": "per_block", "abs_pos": True, "class_token": False}
    stem = "time_embed"


def test_the_last_map_comes_bare() -> None:
    backbone = fill(ViTVideo("nano", patch_size=8))
    output = backbone(clips(7, 61, 45))
    assert output.shape == (1, 96, 4, 8, 6)
    assert output.is_contiguous()
    assert (backbone.channels, backbone.feature_strides) == ((96,), (8,))


POSITIONS = [
    dict(rel_pos=None),
    dict(rel_pos="shared"),
    dict(rel_pos="per_block"),
    dict(abs_pos=True),
    dict(rel_pos="per_block", abs_pos=True),
]


def pair(patch_size_t: int = 2, num_frames: int = 8, **words: Any) -> tuple[ViT, ViTVideo]:
    """An image backbone and the one for clips that it inflates to."""
    words = dict(arch=SMALL, img_size=32, patch_size=8, init_values=0.1, **words)
    image = fill(ViT(**words)).eval()
    clip = ViTVideo(patch_size_t=patch_size_t, num_frames=num_frames, **words).eval()
    clip.load_state_dict(clip.inflate(image.state_dict()), strict=True)
    return image, clip


@pytest.mark.parametrize("class_token", [True, False])
@pytest.mark.parametrize("words", POSITIONS, ids=str)
@pytest.mark.parametrize("patch_size_t", [1, 2])
def test_a_still_clip_gives_the_features_of_its_image(
    words: dict[str, Any], class_token: bool, patch_size_t: int
) -> None:
    image, clip = pair(patch_size_t, class_token=class_token, **words)
    for x, lengths in ((images(32, 32, batch=1), range(1, 17)), (images(29, 44), (3, 8, 16))):
        with torch.no_grad():
            (expected,) = image(x)
            for frames in lengths:
                output = clip(x[:, :, None].expand(-1, -1, frames, -1, -1))
                assert output.shape[2] == -(-frames // patch_size_t)
                torch.testing.assert_close(output, expected[:, :, None].expand_as(output), atol=1e-5, rtol=0)


def test_without_its_weight_the_class_token_would_fade() -> None:
    """The still clip's equality rests on log T, not on luck: without it the same features differ."""
    image, clip = pair(rel_pos="shared")
    x = images(32, 32)
    with torch.no_grad():
        (expected,) = image(x)
        table = clip.rel_pos_bias.relative_position_bias_table
        table[-2:] -= torch.log(torch.tensor(8.0))
        faded = clip(x[:, :, None].expand(-1, -1, 16, -1, -1))
    assert (faded - expected[:, :, None]).abs().max() > 1e-3


@pytest.mark.parametrize("words", POSITIONS[1:], ids=str)
@pytest.mark.parametrize("frames", [4, 12])
def test_the_order_of_frames_matters(words: dict[str, Any], frames: int) -> None:
    backbone = fill(ViTVideo(SMALL, img_size=32, patch_size=8, patch_size_t=1, num_frames=8, **words)).eval()
    x = clips(frames, 32, 32)
    forwards, backwards = backbone(x), backbone(x.flip(2))
    assert (forwards.mean((2, 3, 4)) - backwards.mean((2, 3, 4))).abs().max() > 1e-3


def test_kept_motion_filters_tell_the_direction_of_time_and_leave_a_still_clip_alone() -> None:
    words = dict(arch=SMALL, img_size=32, patch_size=8, rel_pos="per_block")
    image = fill(ViT(**words))
    plain, moving = (ViTVideo(keep_motion_filters=keep, **words) for keep in (False, True))
    for backbone in (plain, moving):
        backbone.load_state_dict(backbone.inflate(image.state_dict()), strict=True)
    x = images(32, 32)
    still = x[:, :, None].expand(-1, -1, 4, -1, -1)
    torch.testing.assert_close(moving(still), plain(still), atol=1e-5, rtol=0)
    two_frames = torch.stack([x, x.flip(-1)], 2)
    embedded = [[each.patch_embed(frames) for frames in (two_frames, two_frames.flip(2))] for each in (plain, moving)]
    torch.testing.assert_close(*embedded[0], atol=1e-5, rtol=0)
    assert (embedded[1][0] - embedded[1][1]).abs().max() > 0.01


def test_inflation_repeats_over_time() -> None:
    image = fill(ViT(SMALL, img_size=32, patch_size=8, rel_pos="shared", abs_pos=True))
    state = image.state_dict()
    clip = inflate(state, patch_size_t=4, steps=3)
    weight = clip["patch_embed.proj.weight"]
    torch.testing.assert_close(weight.sum(2), state["patch_embed.proj.weight"])
    assert (weight == weight[:, :, :1]).all()
    name = "rel_pos_bias.relative_position_bias_table"
    assert torch.equal(clip[name][-3:], state[name][-3:])
    assert all(torch.equal(plane, state[name][:-3]) for plane in clip[name][:-3].view(5, 49, 2))
    assert not clip["time_embed"].any()
    assert set(clip) == set(state) | {"time_embed"}
    bare = inflate({name: state[name][:-3]}, steps=2, class_token=False)[name]
    assert torch.equal(bare, state[name][:-3].repeat(3, 1))


def test_layers_are_those_of_the_image_model() -> None:
    image, clip = pair(rel_pos="shared", abs_pos=True)
    layers = {name: clip.layer_id(name) for name, _ in clip.named_parameters()}
    assert layers.pop("time_embed") == 0
    assert {name: image.layer_id(name) for name, _ in image.named_parameters()} == layers
    assert image.no_weight_decay() | {"time_embed"} == clip.no_weight_decay()
    assert image.num_layers == clip.num_layers


def test_clips_are_not_masked() -> None:
    with pytest.raises(MaskError, match="Remove mask"):
        ViTVideo(SMALL)(clips(2, 48, 48), torch.zeros(1, 3, 3).bool())
