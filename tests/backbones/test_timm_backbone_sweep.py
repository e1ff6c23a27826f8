"""One small model of many modules of timm: a backbone that keeps the contract, or a clear refusal."""

import re
from typing import Any

import pytest
import timm
import torch

from simmim_eval.backbones import TimmBackbone
from simmim_eval.errors import ConfigError

# The smallest of modules whose twin takes little time.
# fmt: off
KEEP = [
    "beit_base_patch16_224", "convmixer_768_32", "cpubone_nano", "cs3darknet_focus_s", "cspnext_tiny",
    "deit_tiny_patch16_224", "dpn48b", "efficientformer_l1", "efficientvim_m1", "fasternet_t0", "fastvit_t8",
    "gcvit_xxtiny", "hgnetv2_b0", "hiera_tiny_224", "inception_next_atto", "lcnetv2_small", "levit_128s",
    "poolformerv2_s12", "rdnet_tiny", "resnest14d", "resnetv2_18", "rexnet_100", "sam2_hiera_tiny",
    "selecsls42", "legacy_seresnet18", "shvit_s1", "skresnet18", "starnet_s050", "swiftformer_xs",
    "test_coatnet", "tresnet_m", "twins_svt_small", "visformer_tiny", "vit_tiny_r_s16_p8_224",
    "ese_vovnet19b_slim_dw",
]
# fmt: on
REFUSED = ["inception_v3", "inception_v4", "legacy_xception", "pit_ti_224"]


def build(model_name: str, **words: Any) -> TimmBackbone:
    """The backbone; where the message asks for a size, of that size."""
    try:
        return TimmBackbone(model_name, **words)
    except ConfigError as error:
        wanted = re.search(r"Set img_size=(\d+)", str(error))
        if wanted is None:
            raise
    return TimmBackbone(model_name, img_size=int(wanted[1]), **words)


@pytest.mark.slow
@pytest.mark.parametrize("model_name", KEEP)
def test_a_family_keeps_the_contract(model_name: str) -> None:
    if not timm.is_model(model_name):
        pytest.skip("not in this timm")
    with torch.device("meta"):
        backbone = build(model_name, use_mask_token=True).train()
        height, width = backbone.design.fixed_size or (61, 45)
        mask = torch.zeros(2, height, width, dtype=torch.bool)
        maps = backbone(torch.zeros(2, 3, height, width), mask)
        sum(each.sum() for each in maps).backward()
    assert [tuple(each.shape) for each in maps] == [
        (2, channels, -(-height // stride), -(-width // stride))
        for channels, stride in zip(backbone.channels, backbone.feature_strides, strict=True)
    ]
    parameters = dict(backbone.named_parameters())
    assert [name for name, parameter in parameters.items() if parameter.requires_grad and parameter.grad is None] == []
    layers = {backbone.layer_id(name) for name in parameters}
    assert layers | {backbone.num_layers - 1} == set(range(backbone.num_layers))
    assert backbone.no_weight_decay() <= parameters.keys()


@pytest.mark.slow
@pytest.mark.parametrize("model_name", REFUSED)
def test_a_family_without_the_maps_of_the_contract_is_refused(model_name: str) -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match=f"{model_name}.*cannot be a backbone: at .* promise"):
        TimmBackbone(model_name)
