"""ResNetSlowOnly: the contract for clips, clips against images, and mmaction's SlowOnly on equal weights."""

from typing import Any

import pytest
import torch
from resnet_case import BatchNormPlug, fill_convolutional
from torch import Tensor, nn

import simmim_eval.compat
from simmim_eval.backbones import ResNet, ResNetSlowOnly
from simmim_eval.backbones.resnet_slow_only import inflate
from simmim_eval.errors import ConfigError, MaskError

BOTTLENECKS: dict[str, Any] = {"arch": {"layers": (1, 2, 2, 1), "base_channels": 4}}
BASIC: dict[str, Any] = {"arch": {"layers": (1, 1, 2, 1), "block": "basic", "base_channels": 4}}


def clips(frames: int, height: int, width: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, frames, height, width, generator=torch.Generator().manual_seed(4))


class TestNano(BatchNormPlug):
    config = {"type": "simmim_eval.ResNetSlowOnly", "arch": "nano"}
    stem = "conv1.weight"

    def inputs(self, height: int, width: int) -> Tensor:
        return clips(3, height, width)


class TestEveryOption(TestNano):
    config = {
        "type": "simmim_eval.ResNetSlowOnly",
        "arch": {"layers": [1, 2, 2], "block": "bottleneck", "base_channels": 8},
        "inflate": (1, 0, 1),
        "strides": (1, 2, 1),
        "dilations": (1, 1, 2),
        "contract_dilation": True,
        "deep_stem": True,
        "avg_down": True,
        "style": "caffe",
        "decay_rule": "group",
    }
    stem = "conv1.3.weight"


def test_the_last_map_comes_bare() -> None:
    backbone = ResNetSlowOnly(arch="nano")
    output = backbone(clips(5, 61, 45))
    assert output.shape == (2, 128, 5, 4, 3)
    assert output.is_contiguous()
    assert (backbone.channels, backbone.feature_strides) == ((128,), (16,))


def test_names_and_layers_are_those_of_the_image_model() -> None:
    with torch.device("meta"):
        for rule in ("block", "group"):
            image, clip = ResNet(50, decay_rule=rule), ResNetSlowOnly(50, decay_rule=rule)
            assert image.state_dict().keys() == clip.state_dict().keys()
            assert image.num_layers == clip.num_layers
            assert all(image.layer_id(name) == clip.layer_id(name) for name, _ in image.named_parameters())


def test_convolutions_in_time_are_where_slow_only_has_them() -> None:
    with torch.device("meta"):
        backbone = ResNetSlowOnly(50)
    kernels = {name: module.kernel_size for name, module in backbone.named_modules() if isinstance(module, nn.Conv3d)}
    assert kernels["conv1"] == (1, 7, 7)
    temporal = {name for name, kernel in kernels.items() if kernel[0] == 3}
    assert temporal == {f"layer3.{i}.conv1" for i in range(6)} | {f"layer4.{i}.conv1" for i in range(3)}
    assert all(kernels[name] == (3, 1, 1) for name in temporal)
    parameters = sum(parameter.numel() for parameter in backbone.parameters())
    assert parameters == pytest.approx(31.63e6, rel=1e-3)


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        BASIC,
        BOTTLENECKS,
        {**BOTTLENECKS, "inflate": (1, 1, 1, 1), "deep_stem": True, "avg_down": True, "style": "caffe"},
        {**BOTTLENECKS, "strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4), "contract_dilation": True},
    ],
)
def test_every_frame_of_an_inflated_clip_has_the_features_of_its_image(words: dict[str, Any], mode: bool) -> None:
    """A still clip in particular, of any length, at its ends too, also through the statistics of a batch."""
    image = fill_convolutional(ResNet(**{name: words[name] for name in words if name != "inflate"})).train(mode)
    clip = ResNetSlowOnly(**words).train(mode)
    clip.load_state_dict(clip.inflate(image.state_dict()), strict=True)
    for frames in (1, 2, 5):
        x = clips(frames, 45, 61)
        if not mode:
            moving = clip(x)
            for t in range(frames):
                torch.testing.assert_close(moving[:, :, t], image(x[:, :, t])[-1], atol=1e-5, rtol=1e-5)
        still = clip(x[:, :, :1].expand(-1, -1, frames, -1, -1))
        expected = image(x[:, :, 0])[-1]
        torch.testing.assert_close(still, expected[:, :, None].expand_as(still), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("words", [BASIC, BOTTLENECKS])
def test_the_order_of_frames_matters(words: dict[str, Any]) -> None:
    backbone = fill_convolutional(ResNetSlowOnly(**words)).eval()
    x = clips(4, 48, 48)
    forwards, backwards = backbone(x), backbone(x.flip(2))
    assert (forwards.mean((2, 3, 4)) - backwards.mean((2, 3, 4))).abs().max() > 1e-3


def test_inflation_leaves_everything_but_convolutions() -> None:
    image = fill_convolutional(ResNet(**BOTTLENECKS)).state_dict()
    clip = inflate(image, {"conv1.weight": 1, "layer3.0.conv1.weight": 3, "absent.weight": 3})
    assert clip.keys() == image.keys()
    changed = {name for name in image if clip[name] is not image[name]}
    assert changed == {"conv1.weight", "layer3.0.conv1.weight"}
    assert torch.equal(clip["conv1.weight"], image["conv1.weight"][:, :, None])
    before, middle, after = clip["layer3.0.conv1.weight"].unbind(2)
    assert torch.equal(middle, image["layer3.0.conv1.weight"])
    assert not before.any()
    assert not after.any()


@pytest.mark.parametrize("inflated", [(0, 1), (0, 0, 1, 2), (0, 0, 1, 1, 1)])
def test_stages_in_time_are_checked(inflated: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"backbone\.inflate is .*; expected 0 or 1 for each of the 4 stages"):
        ResNetSlowOnly(**BASIC, inflate=inflated)


def test_clips_are_not_masked() -> None:
    with pytest.raises(MaskError, match="Remove mask"):
        ResNetSlowOnly(arch="nano")(clips(2, 48, 48), torch.zeros(2, 48, 48).bool())


def from_mmaction(name: str) -> str:
    """A ``ConvModule`` holds ``conv`` and ``bn``; the shortcut's becomes a sequence."""
    name = name.replace("downsample.conv.", "downsample.0.").replace("downsample.bn.", "downsample.1.")
    for number in "123":
        name = name.replace(f"conv{number}.conv.", f"conv{number}.").replace(f"conv{number}.bn.", f"bn{number}.")
    return name


@pytest.fixture(scope="module")
def mmaction_slow_only() -> type[nn.Module]:
    simmim_eval.compat.install()
    from mmaction.models.backbones.resnet3d_slowonly import ResNet3dSlowOnly

    return ResNet3dSlowOnly


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize(
    ("depth", "words"),
    [
        (50, {}),
        (50, {"inflate": (1, 0, 1, 0), "style": "caffe", "dilations": (1, 1, 2, 4), "strides": (1, 2, 1, 1)}),
        (18, {}),
        (34, {"num_stages": 3, "inflate": (1, 1, 0), "strides": (1, 1, 2), "dilations": (2, 1, 1)}),
    ],
)
def test_equals_mmaction(mmaction_slow_only: type[nn.Module], depth: int, words: dict[str, Any], frames: int) -> None:
    stages = words.get("num_stages", 4)
    theirs_words = {{"strides": "spatial_strides"}.get(name, name): value for name, value in words.items()}
    in_time = {} if stages == 4 else {"temporal_strides": (1,) * stages}
    theirs = mmaction_slow_only(depth=depth, base_channels=4, out_indices=(stages - 1,), **in_time, **theirs_words)
    ours = ResNetSlowOnly(depth, base_channels=4, **words).double()
    fill_convolutional(theirs).double()
    ours.load_state_dict({from_mmaction(name): value for name, value in theirs.state_dict().items()}, strict=True)
    x = clips(frames, 45, 61).double()
    for mode in (False, True):
        ours.train(mode)
        theirs.train(mode)
        maps = [backbone(x) for backbone in (ours, theirs)]
        torch.testing.assert_close(*maps, atol=1e-9, rtol=1e-9)
        for each in maps:
            each.pow(2).mean().backward()
    for get in ("named_parameters", "named_buffers"):
        other = {from_mmaction(name): value for name, value in getattr(theirs, get)()}
        for name, value in getattr(ours, get)():
            torch.testing.assert_close(value, other[name], atol=1e-9, rtol=1e-9)
            if get == "named_parameters":
                torch.testing.assert_close(value.grad, other[name].grad, atol=1e-9, rtol=1e-6)
