"""A backbone for images as mmaction's 2-D recognisers (TSN) want it: frame by frame, the last map, bare."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

from ..errors import ConfigError, nearest
from ..registry import MODELS
from .base import Backbone

__all__ = ["Frames"]


@MODELS.register_module()
class Frames(BaseModule):
    """(N, 3, H, W) -> (N, C, ceil(H / s), ceil(W / s)), the last map of ``backbone``.

    Layers for layer-wise decay are the backbone's. Freezing and initialisation are set inside ``backbone``.

    .. code-block:: python

        backbone = dict(type="simmim_eval.Frames", backbone=dict(type="simmim_eval.ResNet", depth=50))

    Args:
        backbone: Config of a backbone of :mod:`simmim_eval.backbones` for images; of its maps only the last is made.

    Raises:
        ConfigError: It is another kind of backbone, or its ``out_indices`` ask for several maps.
    """

    def __init__(self, backbone: dict[str, Any]) -> None:
        super().__init__()
        self.backbone = _of_one_map(backbone)
        self.num_stages = self.backbone.num_stages
        self.channels = self.backbone.channels
        self.feature_strides = self.backbone.feature_strides

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, C, ceil(H / s), ceil(W / s))."""
        return self.backbone(x)[-1]

    @property
    def num_layers(self) -> int:
        """As of the backbone."""
        return self.backbone.num_layers

    def layer_id(self, name: str) -> int:
        """Layer of the parameter ``backbone.<name>``; an unknown one is a :class:`ConfigError`."""
        if not name.startswith("backbone."):
            known = [known for known, _ in self.named_parameters()]
            raise ConfigError(f"Frames has no parameter {name!r}; {nearest(name, known)}")
        return self.backbone.layer_id(name.removeprefix("backbone."))

    def no_weight_decay(self) -> set[str]:
        """Names of the backbone, as this module holds them."""
        return {f"backbone.{name}" for name in self.backbone.no_weight_decay()}


def _of_one_map(config: dict[str, Any]) -> Backbone:
    backbone = MODELS.build(config)
    if not isinstance(backbone, Backbone):
        raise ConfigError(
            f"backbone.backbone is a {type(backbone).__name__}, which does not keep this package's contract. "
            "Use one of simmim_eval, for example type='simmim_eval.ResNet'."
        )
    last = len(backbone.channels) - 1
    if last and config.get("out_indices") is not None:
        # The norms of other maps would get no gradient, which DistributedDataParallel refuses.
        raise ConfigError(
            f"backbone.backbone.out_indices is {tuple(config['out_indices'])}; Frames returns the last map alone. "
            f"Remove the line, or keep ({config['out_indices'][-1]},)."
        )
    return MODELS.build({**config, "out_indices": (last,)}) if last else backbone
