"""The optimiser of a recipe, as its constructor builds it: which rate and weight decay every parameter gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn
from torch.optim import Optimizer

__all__ = ["ParameterGroup", "build_optimizer", "parameter_groups", "state_bytes"]

LAYER = re.compile(r"layer_(\d+)_")  # how the constructors of mmdet and mmseg name their groups
BUILT = ("constructor", "optimizer", "paramwise_cfg")


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are treated alike.

    Attributes:
        name: As the constructor calls them; ``frozen`` for those that are not trained.
        layer: Depth, 0 = stem; None where the constructor does not say.
        scale: Rate over the recipe's.
        lr: Rate, before any schedule.
        weight_decay: As the optimiser applies it.
        tensors: How many.
        parameters: Numbers in them.
    """

    name: str
    layer: int | None
    scale: float
    lr: float
    weight_decay: float
    tensors: int
    parameters: int


def build_optimizer(model: nn.Module, config: Config) -> Optimizer:
    """The optimiser as a run has it, over a model on any device.

    Raises:
        ConfigError: The constructor refuses the recipe's options, or does not know the backbone.
    """
    wrapper = {key: value for key, value in config.optim_wrapper.to_dict().items() if key in BUILT}
    optimizer: Optimizer = build_optim_wrapper(model, {"type": "OptimWrapper", **wrapper}).optimizer
    return optimizer


def parameter_groups(model: nn.Module, optimizer: Optimizer, base_lr: float) -> list[ParameterGroup]:
    """The optimiser's groups in its order, those treated alike as one; last what is frozen."""
    found: dict[tuple[Any, ...], list[nn.Parameter]] = {}
    for group in optimizer.param_groups:
        key = (*_identity(group), group["lr"], group.get("weight_decay", 0.0))
        found.setdefault(key, []).extend(one for one in group["params"] if one.requires_grad)
    groups = [
        _group(name, layer, lr / base_lr if base_lr else 1.0, lr, decay, params)
        for (name, layer, lr, decay), params in found.items()
        if params
    ]
    frozen = [one for one in model.parameters() if not one.requires_grad]
    return [*groups, _group("frozen", None, 0.0, 0.0, 0.0, frozen)] if frozen else groups


def state_bytes(optimizer: Optimizer) -> int | None:
    """Bytes that the optimiser keeps from step to step, by a step on the meta device; None if it cannot step there."""
    try:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.empty_like(parameter) if parameter.requires_grad else None
        optimizer.step()
    except (RuntimeError, NotImplementedError):  # it reads values: of a norm, for one
        return None
    finally:
        optimizer.zero_grad(set_to_none=True)
    kept = (value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor))
    return sum(tensor.nbytes for tensor in kept if tensor.ndim)


def _identity(group: Mapping[str, Any]) -> tuple[str, int | None]:
    """Name and layer of an optimiser's group."""
    name = str(group.get("name") or group.get("group_name") or "")
    layer = LAYER.match(name)
    return name or "parameters", group.get("layer", int(layer[1]) if layer else None)


def _group(
    name: str, layer: int | None, scale: float, lr: float, decay: float, params: list[nn.Parameter]
) -> ParameterGroup:
    return ParameterGroup(name, layer, scale, lr, decay, len(params), sum(one.numel() for one in params))
