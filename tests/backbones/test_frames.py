"""Frames: the contract of the backbone inside, seen from mmaction's 2-D recognisers."""

from typing import Any

import pytest
import torch
from backbone_contract import PlugContract, fill, images
from resnet_case import BatchNormPlug
from torch import nn

from simmim_eval.backbones import Backbone, Frames, ResNet, Swin
from simmim_eval.errors import ConfigError
from simmim_eval.registry import MODELS

SWIN = {"type": "simmim_eval.Swin", "arch": "nano", "out_indices": (2,)}
RESNET = {"type": "simmim_eval.ResNet", "arch": "nano"}


class TestSwinInside(PlugContract):
    config = SWIN
    stem = "backbone.patch_embed.proj.weight"

    def build(self, **words: Any) -> Backbone:
        torch.manual_seed(0)
        return fill(MODELS.build({"type": "simmim_eval.Frames", "backbone": {**self.config, **words}}))

    def test_an_initialiser_of_mmengine_runs(self) -> None:
        frames = self.build(init_cfg={"type": "Constant", "layer": "LayerNorm", "val": 7.0})
        frames.init_weights()
        assert (frames.backbone.norm.weight == 7).all()


class TestResNetInside(BatchNormPlug):
    config = RESNET
    stem = "backbone.conv1.weight"

    def described(self, **words: Any) -> dict[str, Any]:
        return {"type": "simmim_eval.Frames", "backbone": {**self.config, **words}}


@pytest.mark.parametrize(("config", "family"), [(SWIN, Swin), (RESNET, ResNet)])
def test_the_last_map_comes_bare(config: dict[str, Any], family: type[Backbone]) -> None:
    frames = Frames(config).eval()
    inside = frames.backbone
    assert isinstance(inside, family)
    output = frames(images(61, 45))
    assert torch.equal(output, inside(images(61, 45))[-1])
    assert output.shape == (2, *frames.channels, 4, 3)
    assert (frames.feature_strides, frames.num_stages) == ((16,), 3)


def test_only_the_last_map_is_made() -> None:
    """A norm of another map would be a parameter without a gradient."""
    config = {name: value for name, value in SWIN.items() if name != "out_indices"}
    names = {name for name, _ in Frames(config).named_parameters()}
    assert "backbone.norm.weight" in names
    assert "backbone.norm0.weight" not in names
    with pytest.raises(ConfigError, match=r"out_indices is \(0, 2\).*keep \(2,\)"):
        Frames({**config, "out_indices": (0, 2)})


def test_an_earlier_map_may_be_the_last_one() -> None:
    assert Frames({**RESNET, "out_indices": (1,)}).channels == (64,)


@pytest.mark.parametrize(("config", "family"), [(SWIN, Swin), (RESNET, ResNet)])
def test_layers_are_those_of_the_backbone(config: dict[str, Any], family: type[Backbone]) -> None:
    frames = Frames(config)
    assert frames.num_layers == frames.backbone.num_layers
    for name, _ in frames.backbone.named_parameters():
        assert frames.layer_id(f"backbone.{name}") == frames.backbone.layer_id(name)
        with pytest.raises(ConfigError, match="Frames has no parameter"):
            frames.layer_id(name)
    assert frames.no_weight_decay() == {f"backbone.{name}" for name in frames.backbone.no_weight_decay()}
    assert bool(frames.no_weight_decay()) == (family is Swin)


@MODELS.register_module(name="TestForeignBackbone")
class Foreign(nn.Module):
    """Keeps no contract."""


def test_a_foreign_backbone_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a Foreign, which does not keep .*simmim_eval\.ResNet"):
        Frames({"type": "simmim_eval.TestForeignBackbone"})
