"""Where a recipe and a model have their backbone: ``model.backbone``, or inside it, as in ``simmim_eval.Frames``."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from torch import nn

from simmim_eval.backbones import Backbone
from simmim_eval.errors import ConfigError

__all__ = ["backbone_config", "backbone_of"]


def backbone_config(config: Config) -> Any:
    """The innermost config of the backbone, which takes ``init_cfg``; what is set there is set in the recipe.

    Raises:
        ConfigError: The model has no ``backbone``.
    """
    node = config.model.get("backbone")
    if not isinstance(node, Mapping) or "type" not in node:
        raise ConfigError("model.backbone is missing; a recipe's model has one backbone. Set it, with its type.")
    while isinstance(node.get("backbone"), Mapping):
        node = node["backbone"]
    return node


def backbone_of(model: nn.Module) -> nn.Module:
    """The innermost backbone of a model, also of one that is wrapped for several processes."""
    inner: Any = getattr(model, "module", model)
    inner = inner.backbone
    while not isinstance(inner, Backbone) and isinstance(getattr(inner, "backbone", None), nn.Module):
        inner = inner.backbone
    module: nn.Module = inner
    return module
