"""The constructor as mmengine calls it."""

from typing import Any

import pytest
import torch
from mmengine.optim import CosineAnnealingLR, LinearLR, build_optim_wrapper
from torch import nn

from simmim_eval.backbones import Swin
from simmim_eval.errors import ConfigError
from simmim_eval.optim import param_groups

ADAMW = dict(type="AdamW", lr=5e-3, weight_decay=0.05)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Swin(arch=dict(embed_dim=8, depths=(1, 1), num_heads=(1, 2)), window_size=4)
        self.head = nn.Linear(16, 5)


def build(**options: Any) -> Any:
    config = dict(constructor="simmim_eval.LayerDecayConstructor", optimizer=dict(ADAMW), **options)
    return build_optim_wrapper(Classifier(), config)


def test_the_optimiser_has_the_groups_of_the_pure_function() -> None:
    wrapper = build(paramwise_cfg=dict(layer_decay=0.8), clip_grad=dict(max_norm=5.0))
    expected = param_groups(Classifier(), 5e-3, 0.05, 0.8)
    for ours, group in zip(wrapper.optimizer.param_groups, expected, strict=True):
        assert (ours["name"], ours["layer"], ours["lr"], ours["weight_decay"]) == (
            group.name,
            group.layer,
            group.lr,
            group.weight_decay,
        )
        assert len(ours["params"]) == len(group.params)
        assert "lr_scale" not in ours
    assert wrapper.clip_grad_kwargs == {"max_norm": 5.0}


@pytest.mark.parametrize("options", [{}, {"paramwise_cfg": None}, {"paramwise_cfg": {}}])
def test_exemptions_hold_without_options(options: dict[str, Any]) -> None:
    groups = build(**options).optimizer.param_groups
    assert {group["lr"] for group in groups} == {5e-3}
    assert {group["weight_decay"] for group in groups} == {0.0, 0.05}


def test_schedulers_multiply_every_group_alike() -> None:
    wrapper = build(paramwise_cfg=dict(layer_decay=0.5))
    groups = wrapper.optimizer.param_groups
    peaks = [group["lr"] for group in groups]
    schedulers = [
        LinearLR(wrapper, start_factor=0.1, by_epoch=False, begin=0, end=3),
        CosineAnnealingLR(wrapper, eta_min_ratio=1e-2, by_epoch=False, begin=3, end=10),
    ]
    for _ in range(10):
        ratios = [group["lr"] / peak for group, peak in zip(groups, peaks, strict=True)]
        assert ratios == pytest.approx([ratios[0]] * len(ratios))
        wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
    assert ratios[0] < 0.1


def test_state_survives_a_checkpoint() -> None:
    first, second = build(paramwise_cfg=dict(layer_decay=0.8)), build(paramwise_cfg=dict(layer_decay=0.8))
    for parameter in (parameter for group in first.optimizer.param_groups for parameter in group["params"]):
        parameter.grad = torch.ones_like(parameter)
    first.step()
    second.load_state_dict(first.state_dict())
    for ours, theirs in zip(second.optimizer.param_groups, first.optimizer.param_groups, strict=True):
        assert (ours["name"], ours["layer"], ours["lr"]) == (theirs["name"], theirs["layer"], theirs["lr"])


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"paramwise_cfg\.layer_decay_rate.*did you mean layer_decay"):
        build(paramwise_cfg=dict(layer_decay_rate=0.9))
    with pytest.raises(ConfigError, match=r"paramwise_cfg\.custom_keys"):
        build(paramwise_cfg=dict(custom_keys={}))
    for decay in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="layer_decay is"):
            build(paramwise_cfg=dict(layer_decay=decay))
    for missing in ("lr", "weight_decay"):
        optimizer = {key: value for key, value in ADAMW.items() if key != missing}
        with pytest.raises(ConfigError, match=rf"optimizer\.{missing} is missing"):
            build_optim_wrapper(
                Classifier(), dict(constructor="simmim_eval.LayerDecayConstructor", optimizer=optimizer)
            )
