"""Where the backbone sits, what is left out, and what is refused."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from torch import distributed, nn

from simmim_eval.backbones import Swin
from simmim_eval.errors import ConfigError
from simmim_eval.optim import param_groups

SWIN: dict[str, Any] = dict(arch=dict(embed_dim=8, depths=(1, 1), num_heads=(1, 2)), window_size=4)


class Wrapper(nn.Module):
    """Holds modules under the names given."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


def classifier(**options: Any) -> Wrapper:
    torch.manual_seed(0)
    return Wrapper(backbone=Swin(**SWIN, **options), head=nn.Linear(16, 5))


def summary(model: nn.Module, prefix: str = "", layer_decay: float = 0.5) -> dict[str, tuple[int, float, float]]:
    """Layer, rate and weight decay of each parameter; the prefix is taken off the names."""
    groups = param_groups(model, 1.0, 0.05, layer_decay)
    return {
        name.removeprefix(prefix): (group.layer, group.lr, group.weight_decay)
        for group in groups
        for name in group.params
    }


@pytest.fixture
def process_group() -> Iterator[None]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    distributed.init_process_group("gloo", init_method=address, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_prefixes_change_nothing() -> None:
    expected = summary(classifier(use_mask_token=True))
    assert expected["backbone.layers.0.blocks.0.attn.relative_position_bias_table"] == (1, 0.25, 0.0)
    assert expected["backbone.mask_token"] == (0, 0.125, 0.0)
    assert expected["head.weight"] == (3, 1.0, 0.05)
    for path in ("model", "module", "module.model", "recognizer.module"):
        model = classifier(use_mask_token=True)
        for name in reversed(path.split(".")):
            model = Wrapper(**{name: model})
        assert summary(model, f"{path}.") == expected


def test_a_backbone_inside_a_backbone() -> None:
    """As mmaction's 2-D recognisers get theirs."""
    inner = classifier()
    model = Wrapper(backbone=Wrapper(backbone=inner.backbone), head=inner.head)
    renamed = {name.replace("backbone.backbone.", "backbone."): value for name, value in summary(model).items()}
    assert renamed == summary(inner)


@pytest.mark.slow
def test_a_compiled_model() -> None:
    model = classifier()
    assert summary(torch.compile(model), "_orig_mod.") == summary(model)
    inside = Wrapper(backbone=torch.compile(model.backbone), head=model.head)
    renamed = {name.replace("_orig_mod.", ""): value for name, value in summary(inside).items()}
    assert renamed == summary(model)


@pytest.mark.usefixtures("process_group")
def test_distributed_data_parallel() -> None:
    model = classifier()
    wrapped = MMDistributedDataParallel(module=classifier())
    assert summary(wrapped, "module.") == summary(model)
    config = dict(
        constructor="simmim_eval.LayerDecayConstructor",
        paramwise_cfg=dict(layer_decay=0.5),
        optimizer=dict(type="AdamW", lr=1.0, weight_decay=0.05),
    )
    groups = build_optim_wrapper(wrapped, config).optimizer.param_groups
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_what_surrounds_the_backbone_is_the_heads_layer() -> None:
    """As a detector holds a neck and heads, before the backbone or after it."""
    parts = dict(rpn_head=nn.Conv2d(8, 8, 3), backbone=Swin(**SWIN), neck=nn.BatchNorm2d(16))
    groups = summary(Wrapper(**parts))
    assert groups["rpn_head.weight"] == (3, 1.0, 0.05)
    assert groups["rpn_head.bias"] == (3, 1.0, 0.0)
    assert groups["neck.weight"] == (3, 1.0, 0.0)
    assert groups["backbone.norm0.weight"] == (3, 1.0, 0.0)
    assert groups["backbone.layers.1.downsample.reduction.weight"] == (1, 0.25, 0.05)


@pytest.mark.slow
def test_a_detector_of_mmdet() -> None:
    import simmim_eval.compat  # noqa: F401, I001  before mmdet, which needs mmcv's operators
    from mmdet.models.detectors import SingleStageDetector
    from mmdet.utils import register_all_modules

    register_all_modules()
    model = SingleStageDetector(
        backbone=dict(type="simmim_eval.Swin", **SWIN),
        neck=dict(type="FPN", in_channels=[8, 16], out_channels=8, num_outs=2),
        bbox_head=dict(type="RetinaHead", num_classes=3, in_channels=8, feat_channels=8, stacked_convs=1),
    )
    groups = summary(model)
    assert groups.keys() == {name for name, _ in model.named_parameters()}
    for name, (layer, lr, decay) in groups.items():
        if not name.startswith("backbone."):
            assert (layer, lr, decay) == (3, 1.0, 0.0 if name.endswith("bias") else 0.05)


def test_frozen_stages_keep_the_layers_of_the_whole_network() -> None:
    whole, frozen = summary(classifier()), summary(classifier(frozen_stages=1))
    gone = whole.keys() - frozen.keys()
    assert frozen == {name: value for name, value in whole.items() if name not in gone}
    assert "backbone.patch_embed.proj.weight" in gone
    assert "backbone.layers.1.blocks.0.mlp.fc1.weight" in frozen
    trainable = {name for name, parameter in classifier(frozen_stages=1).named_parameters() if parameter.requires_grad}
    assert frozen.keys() == trainable


def test_shared_parameters_are_in_one_group() -> None:
    model = classifier()
    model.add_module("second_head", nn.Linear(16, 5))
    model.second_head.weight = model.head.weight
    names = summary(model)
    assert "second_head.weight" not in names
    assert {"head.weight", "second_head.bias"} <= names.keys()


def test_groups_hold_every_trainable_parameter_once_and_no_group_repeats() -> None:
    model = classifier()
    groups = param_groups(model, 1.0, 0.05, 0.5)
    assert len({group.name for group in groups}) == len(groups) == 8
    together = [parameter for group in groups for parameter in group.params.values()]
    assert sorted(map(id, together)) == sorted(id(parameter) for parameter in model.parameters())


def test_scalars_do_not_decay() -> None:
    model = classifier()
    model.register_parameter("scale", nn.Parameter(torch.tensor(1.0)))
    assert summary(model)["scale"] == (3, 1.0, 0.0)


def test_a_foreign_backbone_has_one_layer_or_none() -> None:
    model = Wrapper(backbone=nn.Conv2d(3, 4, 1), head=nn.Linear(4, 2))
    assert summary(model, layer_decay=1.0) == {
        "backbone.weight": (0, 1.0, 0.05),
        "backbone.bias": (0, 1.0, 0.0),
        "head.weight": (0, 1.0, 0.05),
        "head.bias": (0, 1.0, 0.0),
    }
    with pytest.raises(ConfigError, match=r"backbone Conv2d has no layer_id.*Set layer_decay=1\.0"):
        param_groups(model, 1.0, 0.05, 0.9)
    with pytest.raises(ConfigError, match="model Linear has no layer_id"):
        param_groups(nn.Linear(2, 2), 1.0, 0.05, 0.9)


def test_two_backbones_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"2 backbones \(student\.backbone, teacher\.backbone\)"):
        param_groups(Wrapper(student=classifier(), teacher=classifier()), 1.0, 0.05, 0.9)
