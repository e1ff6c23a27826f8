"""Layer decay of models of timm: their own groups, or a refusal."""

import pytest
import torch
from torch import nn

from simmim_eval.backbones import TimmBackbone
from simmim_eval.errors import ConfigError
from simmim_eval.optim import param_groups


class Classifier(nn.Module):
    def __init__(self, backbone: TimmBackbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.channels[-1], 5)


def classifier(model_name: str, **words: object) -> Classifier:
    with torch.device("meta"):
        return Classifier(TimmBackbone(model_name, **words))


def test_rates_fall_by_timms_groups() -> None:
    """test_vit: a stem and six blocks, the id of each as published for a ViT."""
    model = classifier("test_vit", use_mask_token=True)
    groups = {name: group for group in param_groups(model, 1.0, 0.05, 0.65) for name in group.params}
    assert groups.keys() == {name for name, _ in model.named_parameters()}
    for name, lr, weight_decay in (
        ("backbone.mask_token", 0.65**7, 0.0),
        ("backbone.model.pos_embed", 0.65**7, 0.0),
        ("backbone.model.cls_token", 0.65**7, 0.0),
        ("backbone.model.patch_embed.proj.weight", 0.65**7, 0.05),
        ("backbone.model.blocks.0.attn.qkv.weight", 0.65**6, 0.05),
        ("backbone.model.blocks.5.mlp.fc2.bias", 0.65, 0.0),
        ("head.weight", 1.0, 0.05),
    ):
        assert groups[name].lr == pytest.approx(lr), name
        assert groups[name].weight_decay == weight_decay, name


@pytest.mark.slow
def test_worked_values_of_resnet_50() -> None:
    """Rule B of the published two: a layer a block."""
    groups = {name: group for group in param_groups(classifier("resnet50"), 1.0, 0.05, 0.8) for name in group.params}
    for name, layer, scale in (
        ("conv1.weight", 0, 0.02252),
        ("layer1.0.conv1.weight", 1, 0.02815),
        ("layer2.0.downsample.0.weight", 4, 0.05498),
        ("layer3.0.bn2.bias", 8, 0.1342),
        ("layer3.5.conv3.weight", 13, 0.4096),
        ("layer4.2.conv1.weight", 16, 0.8),
    ):
        assert groups[f"backbone.{name}"].layer == layer
        assert groups[f"backbone.{name}"].lr == pytest.approx(scale, rel=5e-4)
    assert groups["head.weight"].lr == 1.0


def test_frozen_and_idle_parameters_are_in_no_group() -> None:
    model = classifier("test_efficientnet", out_indices=(2,), frozen_stages=1)
    named = {name for group in param_groups(model, 1.0, 0.05, 0.7) for name in group.params}
    assert named == {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {name.split(".")[2] for name in named if ".blocks." in name} == {"1", "2"}


def test_a_model_without_groups_has_no_layer_decay() -> None:
    model = classifier("poolformerv2_s12")
    assert {group.layer for group in param_groups(model, 1.0, 0.05, 1.0)} == {0}
    with pytest.raises(ConfigError, match=r"layer_decay is 0\.9, but the backbone poolformerv2_s12 is one layer"):
        param_groups(model, 1.0, 0.05, 0.9)
