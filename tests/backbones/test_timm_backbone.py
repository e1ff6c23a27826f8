"""TimmBackbone against timm itself: its maps, its names, its groups."""

from typing import Any

import pytest
import timm
import torch
from backbone_contract import images
from resnet_case import fill_convolutional
from timm.models._manipulate import group_parameters
from torch import nn

from simmim_eval.backbones import TimmBackbone
from simmim_eval.backbones.timm_design import describe
from simmim_eval.errors import ConfigError

TINY: list[tuple[str, dict[str, Any]]] = [
    ("test_byobnet", {}),
    ("test_mambaout", {}),
    ("test_nfnet", {}),
    ("test_efficientnet", {}),
    ("lcnet_035", {}),
    ("repghostnet_050", {"out_indices": (1, 3)}),
    ("test_vit_relpos", {"img_size": 64}),
]
LARGER: list[tuple[str, dict[str, Any]]] = [
    ("dla46x_c", {}),
    ("edgenext_xx_small", {}),
    ("efficientvit_b0", {}),
    ("ghostnet_050", {}),
    ("hrnet_w18_small", {"out_indices": (0, 4)}),
    ("mobilevit_xxs", {}),
    ("pvt_v2_b0", {}),
    ("regnetx_002", {}),
    ("swin_tiny_patch4_window7_224", {}),
    ("swinv2_tiny_window8_256", {}),
    ("test_maxvit", {}),
    ("vit_tiny_patch16_dinov3_qkvb", {"out_indices": (1, 3)}),
    ("vgg11", {"out_indices": (0, 5)}),
    ("xception41p", {}),
]
TIMM_WORDS: dict[str, dict[str, Any]] = {
    "swin_tiny_patch4_window7_224": {"strict_img_size": False},
    "swinv2_tiny_window8_256": {"strict_img_size": False},
    "test_vit_relpos": {"img_size": 64},
    "vit_tiny_patch16_dinov3_qkvb": {"dynamic_img_size": True},
}


def reference(backbone: TimmBackbone, **words: Any) -> nn.Module:
    """timm's own model with the same weights."""
    model = timm.create_model(
        backbone.model_name, pretrained=False, features_only=True, out_indices=backbone.out_indices, **words
    )
    model.load_state_dict(backbone.state_dict())
    return model.eval()


def whole_model(model_name: str) -> nn.Module:
    with torch.device("meta"):
        return timm.create_model(model_name, pretrained=False)


def check_family(model_name: str, words: dict[str, Any]) -> None:
    backbone = TimmBackbone(model_name, **words).eval()
    fill_convolutional(backbone)
    size = backbone.design.fixed_size or (backbone.design.divisor * 2, backbone.design.divisor * 3)
    size = size if min(size) >= 32 else (64, 96)
    x = images(*size)
    with torch.no_grad():
        theirs = reference(backbone, **TIMM_WORDS.get(model_name, {}))(x)
        if model_name.startswith(("swin", "test_mambaout")):
            theirs = [each.permute(0, 3, 1, 2) for each in theirs]
        for ours, expected in zip(backbone(x), theirs, strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    if backbone.design.fixed_size is None:
        size = (61, 45)
    maps = backbone.train()(images(*size))
    assert [tuple(each.shape) for each in maps] == [
        (2, channels, -(-size[0] // stride), -(-size[1] // stride))
        for channels, stride in zip(backbone.channels, backbone.feature_strides, strict=True)
    ]
    sum(each.pow(2).mean() for each in maps).backward()
    trained = {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, parameter in backbone.named_parameters() if parameter.grad is not None}
    assert trained == {name for name, _ in backbone.named_parameters()} - backbone.design.idle


@pytest.mark.parametrize(("model_name", "words"), TINY, ids=[name for name, _ in TINY])
def test_maps_equal_timms(model_name: str, words: dict[str, Any]) -> None:
    check_family(model_name, words)


@pytest.mark.slow
@pytest.mark.parametrize(("model_name", "words"), LARGER, ids=[name for name, _ in LARGER])
def test_maps_of_more_families_equal_timms(model_name: str, words: dict[str, Any]) -> None:
    check_family(model_name, words)


@pytest.mark.parametrize("size", [(61, 45), (33, 70)])
def test_where_timm_takes_any_size_odd_ones_are_not_padded(size: tuple[int, int]) -> None:
    backbone = TimmBackbone("test_resnet").eval()
    fill_convolutional(backbone)
    with torch.no_grad():
        for ours, theirs in zip(backbone(images(*size)), reference(backbone)(images(*size)), strict=True):
            torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


def test_where_timm_needs_a_divisor_images_are_padded_and_maps_cut() -> None:
    backbone = TimmBackbone("test_convnext", out_indices=(0, 1, 2, 3)).eval()
    fill_convolutional(backbone)
    x = images(61, 45)
    padded = torch.zeros(2, 3, 64, 64)
    padded[:, :, :61, :45] = x
    with torch.no_grad():
        for ours, theirs, stride in zip(backbone(x), reference(backbone)(padded), (4, 8, 16, 32), strict=True):
            torch.testing.assert_close(ours, theirs[:, :, : -(-61 // stride), : -(-45 // stride)], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "model_name", ["test_resnet", "test_convnext", "test_efficientnet", "test_vit", "test_mambaout"]
)
def test_layers_are_timms_groups(model_name: str) -> None:
    with torch.device("meta"):
        backbone = TimmBackbone(model_name)
    whole = whole_model(model_name)
    groups = group_parameters(whole, whole.group_matcher(), reverse=True)
    classifier = max(groups.values())
    names = backbone.design.layers.timm_names
    assert names.keys() == backbone.state_dict().keys()
    for ours, _ in backbone.named_parameters():
        theirs = names[ours]
        expected = backbone.num_layers - 1 if groups[theirs] == classifier else groups[theirs]
        assert backbone.layer_id(ours) == expected
        assert backbone.get_parameter(ours).shape == whole.get_parameter(theirs).shape


@pytest.mark.parametrize("model_name", ["test_resnet", "test_convnext", "test_vit", "test_efficientnet"])
def test_a_checkpoint_of_timms_whole_model_fits_by_its_names(model_name: str) -> None:
    backbone = TimmBackbone(model_name).eval()
    whole = timm.create_model(model_name, pretrained=False).eval()
    fill_convolutional(whole)
    state = whole.state_dict()
    names = backbone.design.layers.timm_names
    backbone.load_state_dict({ours: state[theirs] for ours, theirs in names.items()})
    x = images(160, 160)
    with torch.no_grad():
        expected = whole.forward_intermediates(x, indices=1, intermediates_only=True)[-1]
        torch.testing.assert_close(backbone(x)[-1], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_a_model_that_timm_does_not_recompute_is_refused() -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match="timm does not recompute hrnet_w18_small"):
        TimmBackbone("hrnet_w18_small", with_cp=True)


@pytest.mark.slow
def test_worked_layers() -> None:
    with torch.device("meta"):
        resnet, swin = TimmBackbone("resnet50"), TimmBackbone("swin_tiny_patch4_window7_224")
        vit = TimmBackbone("test_vit")
    assert resnet.decay_rule == "timm"
    assert (resnet.num_layers, resnet.num_stages) == (18, 4)
    for name, layer in {"conv1.weight": 0, "layer1.0.conv1.weight": 1, "layer2.0.bn1.bias": 4}.items():
        assert resnet.layer_id(name) == layer
    assert [resnet.layer_id(f"layer{i}.0.downsample.0.weight") for i in (3, 4)] == [8, 14]
    assert (swin.num_layers, swin.num_stages) == (14, 4)
    for name, layer in {
        "patch_embed.proj.weight": 0,
        "layers_0.blocks.1.norm1.bias": 2,
        "layers_1.downsample.reduction.weight": 3,  # timm counts it to the block after it
        "layers_3.blocks.1.mlp.fc2.weight": 12,
    }.items():
        assert swin.layer_id(name) == layer
    assert swin.no_weight_decay() == {
        name for name, _ in swin.named_parameters() if name.endswith("relative_position_bias_table")
    }
    assert (vit.num_layers, vit.num_stages) == (8, 6)
    assert {"model.pos_embed", "model.cls_token"} <= vit.no_weight_decay()


def test_the_head_follows_the_last_block_that_is_left() -> None:
    with torch.device("meta"):
        whole, cut = TimmBackbone("test_vit"), TimmBackbone("test_vit", out_indices=(1,))
    assert (whole.num_layers, cut.num_layers) == (8, 4)
    assert {name: whole.layer_id(name) for name, _ in cut.named_parameters()} == {
        name: cut.layer_id(name) for name, _ in cut.named_parameters()
    }


def test_frozen_stages_are_openmmlabs_where_there_are_stages() -> None:
    backbone = TimmBackbone("test_resnet", frozen_stages=1)
    frozen = {name for name, parameter in backbone.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in backbone.named_parameters() if name.startswith(("conv1.", "bn1.", "layer1."))}


def test_what_no_map_needs_is_not_trained() -> None:
    backbone = TimmBackbone("test_efficientnet", out_indices=(1,))
    idle = {name for name, parameter in backbone.named_parameters() if not parameter.requires_grad}
    assert idle == {
        name for name, _ in backbone.named_parameters() if name.startswith(("blocks.2", "blocks.3", "blocks.4"))
    }
    backbone.init_weights()
    assert idle == {name for name, parameter in backbone.named_parameters() if not parameter.requires_grad}


def test_initial_weights_are_timms() -> None:
    torch.manual_seed(3)
    theirs = timm.create_model("test_vit", pretrained=False, features_only=True, dynamic_img_size=True)
    torch.manual_seed(3)
    ours = TimmBackbone("test_vit")
    torch.manual_seed(3)
    again = TimmBackbone("test_vit")
    torch.manual_seed(3)
    again.init_weights()
    for backbone in (ours, again):
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(backbone.state_dict()[name], value, atol=0, rtol=0)


def test_what_goes_on_around_the_construction_changes_nothing() -> None:
    describe.cache_clear()
    weights = []
    for context in (torch.no_grad(), torch.inference_mode(), torch.enable_grad()):
        with context:
            torch.manual_seed(4)
            backbone = TimmBackbone("test_efficientnet", out_indices=(1,))
        weights.append({name: value.clone() for name, value in backbone.state_dict().items()})
        assert any(not parameter.requires_grad for parameter in backbone.parameters())
        describe.cache_clear()
    assert all(torch.equal(weights[0][name], each[name]) for each in weights for name in weights[0])


def test_recomputing_reaches_the_blocks() -> None:
    for model_name, path in (("test_vit", "model.blocks.2"), ("test_resnet", "layer2")):
        for with_cp in (False, True):
            backbone = TimmBackbone(model_name, with_cp=with_cp).train()
            passes: list[None] = []
            backbone.get_submodule(path).register_forward_pre_hook(lambda *_, passes=passes: passes.append(None))
            backbone(images(64, 64))[-1].sum().backward()
            assert len(passes) == 1 + with_cp


def test_a_child_exchanged_is_exchanged_in_the_forward_pass() -> None:
    backbone = TimmBackbone("test_resnet").eval()
    before = backbone(images(32, 32))[0]
    backbone.bn1 = nn.Identity()
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(backbone)
    assert converted is backbone
    assert not torch.equal(before, backbone(images(32, 32))[0])
    assert "bn1.weight" not in backbone.state_dict()


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any, **__: Any) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr("timm.models._builder.load_pretrained", download)
    monkeypatch.setattr("timm.models._hub.hf_hub_download", download)
    assert TimmBackbone("test_resnet.r160_in1k").model_name == "test_resnet.r160_in1k"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"model_name": "resnet5O"}, r"backbone\.model_name is 'resnet5O'; did you mean .*resnet50"),
        ({"model_name": "test_resnet.r160_in2k"}, r"did you mean test_resnet\.r160_in1k"),
        ({"model_name": "hf-hub:timm/resnet18"}, r"backbone\.model_name is 'hf-hub:timm/resnet18'"),
        ({"model_name": "test_resnet", "img_size": 64}, r"test_resnet takes any size\. Remove img_size"),
        ({"model_name": "test_vit_relpos"}, r"img_size is None; .*one size only, to be chosen.*Set img_size=160"),
        ({"model_name": "test_vit", "img_size": (1, 2, 3)}, r"backbone\.img_size is \(1, 2, 3\); expected a side"),
        ({"model_name": "test_vit", "img_size": 8}, r"backbone\.model_name is 'test_vit'"),
        ({"model_name": "pit_ti_224"}, r"cannot be a backbone: at 224x224 pixels its maps have 27x27, .* strides"),
        ({"model_name": "test_resnet", "out_indices": (5,)}, r"backbone\.out_indices is \(5,\).*from 0 to 4"),
        ({"model_name": "tresnet_m", "out_indices": (0,)}, r"cannot build as a backbone with out_indices=\(0,\)"),
        ({"model_name": "test_resnet", "drop_path_rate": 1.0}, r"backbone\.drop_path_rate is 1\.0; expected"),
        ({"model_name": "repghostnet_050", "drop_path_rate": 0.1}, r"repghostnet_050 has no drop path"),
        ({"model_name": "test_resnet", "frozen_stages": 5}, r"frozen_stages is 5; expected -1 \(none\) to 4"),
        ({"model_name": "poolformer_s12", "frozen_stages": 0}, r"timm does not group the parameters of poolformer"),
    ],
)
def test_what_cannot_be_is_refused(words: dict[str, Any], message: str) -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match=message):
        TimmBackbone(**words)


def test_an_image_of_another_size_than_the_only_one_is_refused() -> None:
    with torch.device("meta"):
        backbone = TimmBackbone("test_vit_relpos", img_size=(64, 96))
        assert backbone(torch.zeros(2, 3, 64, 96))[-1].shape == (2, 96, 4, 6)
        with pytest.raises(ConfigError, match=r"96x64 pixels; test_vit_relpos was built for 64x96"):
            backbone(torch.zeros(2, 3, 96, 64))
