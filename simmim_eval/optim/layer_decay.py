"""Layer-wise learning-rate decay: one rule for pre-training and every task.

The backbone says how deep each of its parameters lies (``layer_id``, ``num_layers``) and which are exempt from
weight decay (``no_weight_decay``); everything outside it belongs to the head, the deepest layer. The scale of layer l
is ``layer_decay ** (num_layers - 1 - l)``, as in SimMIM and BEiT. Groups hold final rates and no scale of their own:
mmengine's schedulers multiply.
"""

from dataclasses import dataclass, field
from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from simmim_eval.errors import ConfigError, nearest
from simmim_eval.optim.foreign import ForeignBackbone, is_known
from simmim_eval.registry import OPTIM_WRAPPER_CONSTRUCTORS

__all__ = ["Group", "LayerDecayConstructor", "param_groups"]

_OPTIONS = ("layer_decay",)


@dataclass
class Group:
    """Parameters of one layer that share a rate and a weight decay; ``params`` in the order of the model's own."""

    name: str
    layer: int
    lr: float
    weight_decay: float
    params: dict[str, nn.Parameter] = field(default_factory=dict)


def param_groups(model: nn.Module, base_lr: float, weight_decay: float, layer_decay: float = 1.0) -> list[Group]:
    """Group the trainable parameters of a model by layer and by whether they decay.

    Args:
        model: Holds a backbone that keeps the contract or is known to :mod:`simmim_eval.optim.foreign`, at any name:
            ``backbone``, ``module.backbone``, …. Any other model will do when ``layer_decay`` is 1; it is then one
            layer.
        base_lr: Rate of the head.
        weight_decay: Weight decay of what is not exempt: neither one-dimensional, nor a bias, nor named by the
            backbone's ``no_weight_decay()``.
        layer_decay: Rate of a layer over the rate of the next, in (0, 1]; 1 = off.

    Returns:
        Groups ``layer_<l>_decay`` and ``layer_<l>_no_decay`` in order of first appearance. Frozen parameters are in
        none, a shared parameter is in one.

    Raises:
        ConfigError: ``layer_decay`` is out of range, or the model does not say how deep its parameters lie.
    """
    if not 0 < layer_decay <= 1:
        raise ConfigError(
            f"paramwise_cfg.layer_decay is {layer_decay}; expected a number above 0 and at most 1 (1 = off)."
        )
    path, backbone = _find_backbone(model)
    if layer_decay != 1 and (backbone is None or backbone.num_layers == 1):
        raise ConfigError(_without_depth(model, backbone, layer_decay))
    last_layer = 0 if backbone is None else backbone.num_layers - 1
    exempt: set[str] = set() if backbone is None else backbone.no_weight_decay()
    groups: dict[str, Group] = {}
    for full_name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        inside = backbone is not None and full_name.startswith(path)
        name = full_name.removeprefix(path) if inside else full_name
        layer = backbone.layer_id(name) if inside else last_layer
        decays = not (param.ndim <= 1 or name.endswith(".bias") or (inside and name in exempt))
        group_name = f"layer_{layer}_{'decay' if decays else 'no_decay'}"
        if group_name not in groups:
            lr = base_lr * layer_decay ** (last_layer - layer)
            groups[group_name] = Group(group_name, layer, lr, weight_decay if decays else 0.0)
        groups[group_name].params[full_name] = param
    return list(groups.values())


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(DefaultOptimWrapperConstructor):
    """Builds an optimiser wrapper over :func:`param_groups`.

    The optimiser's groups carry ``name`` and ``layer`` beside ``lr`` and ``weight_decay``. Prefix the type with the
    scope: other packages register constructors too, and mmengine looks in the task's own scope first.

    Args:
        optim_wrapper_cfg: ``optimizer`` must give ``lr`` and ``weight_decay``.
        paramwise_cfg: ``layer_decay`` in (0, 1], or nothing (1). Other options are refused.

    Example:
        >>> optim_wrapper = dict(
        ...     constructor="simmim_eval.LayerDecayConstructor",
        ...     paramwise_cfg=dict(layer_decay=0.8),
        ...     optimizer=dict(type="AdamW", lr=5e-3, weight_decay=0.05),
        ... )
    """

    def __init__(self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: dict[str, Any] | None = None) -> None:
        options = paramwise_cfg or {}
        for option in options:
            if option not in _OPTIONS:
                raise ConfigError(
                    f"optim_wrapper.paramwise_cfg.{option}: LayerDecayConstructor has no such option; "
                    f"{nearest(option, _OPTIONS)} Remove the line or use DefaultOptimWrapperConstructor."
                )
        # mmengine's constructor passes over add_params when there is no option at all.
        super().__init__(optim_wrapper_cfg, {"layer_decay": options.get("layer_decay", 1.0)})
        for option, value in (("lr", self.base_lr), ("weight_decay", self.base_wd)):
            if value is None:
                raise ConfigError(f"optim_wrapper.optimizer.{option} is missing; state it, 0 if there is none.")

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, **kwargs: Any) -> None:
        """Append the optimiser's groups of ``module`` to ``params``."""
        for group in param_groups(module, self.base_lr, self.base_wd, self.paramwise_cfg["layer_decay"]):
            params.append(
                dict(
                    params=list(group.params.values()),
                    lr=group.lr,
                    weight_decay=group.weight_decay,
                    name=group.name,
                    layer=group.layer,
                )
            )


def _find_backbone(model: nn.Module) -> tuple[str, Any]:
    """Path (with a closing dot, or empty) of the one backbone, and who tells its depth; ``None`` if there is none."""
    found: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        # The class is asked, not the object: wrappers pass the attributes of what they wrap through.
        is_backbone = hasattr(type(module), "layer_id") or is_known(module)
        if is_backbone and not any(name.startswith(outer) for outer in found):
            found[f"{name}." if name else ""] = module
    if len(found) > 1:
        paths = ", ".join(path.removesuffix(".") for path in found)
        raise ConfigError(
            f"{type(model).__name__} holds {len(found)} backbones ({paths}); LayerDecayConstructor needs one. "
            "Use another optim_wrapper.constructor."
        )
    path, module = next(iter(found.items()), ("", None))
    return path, ForeignBackbone(module) if module is not None and is_known(module) else module


def _without_depth(model: nn.Module, backbone: nn.Module | None, layer_decay: float) -> str:
    if backbone is not None:
        what = f"backbone {getattr(backbone, 'model_name', type(backbone).__name__)} is one layer"
    else:
        known = (type(module).__name__ for path, module in model.named_modules() if path.endswith("backbone"))
        what = next((f"backbone {name}" for name in known), f"model {type(model).__name__}") + " has no layer_id"
    return (
        f"optim_wrapper.paramwise_cfg.layer_decay is {layer_decay}, but the {what} and so does not say how deep its "
        "parameters lie. Set layer_decay=1.0, or use a backbone of simmim_eval."
    )
