"""Any model of timm as a backbone, so that a table can hold families beside ours."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import ConfigError
from ..registry import MODELS
from .base import image_size
from .pixel_mask import PixelMaskedBackbone
from .timm_design import build, describe, to_channels_first
from .timm_layers import WRAPPERS

__all__ = ["TimmBackbone"]


@MODELS.register_module()
class TimmBackbone(PixelMaskedBackbone):
    """A model of ``timm.list_models()`` that gives feature maps, built with random weights: timm downloads nothing.

    Parameters have the names of timm's own ``create_model(model_name, features_only=True)``. Where the sides that a
    model takes are limited, images are padded with zeros at the right and the bottom and the maps cut; where they are
    not, the maps equal timm's at every size. A hidden pixel is replaced before the model sees it.

    Layers for layer-wise decay are the groups of the model's ``group_matcher`` as far as the last map needs them, then
    the head, with what timm leaves ungrouped. ``frozen_stages`` counts the coarse groups: the stem, then stages, or
    blocks where a model has no stages. A model that timm does not group is one layer and cannot be frozen by stages.

    .. code-block:: python

        backbone = dict(type="simmim_eval.TimmBackbone", model_name="convnext_tiny", out_indices=(0, 1, 2, 3))

    Args:
        model_name: In timm; a tag of weights may follow a dot and changes nothing but a default size.
        out_indices: Maps to give, in timm's numbers (of stages, in a ViT of blocks); default: timm's choice.
        use_mask_token: Make the mask token (pre-training only: an unused parameter stops distributed training).
        drop_path_rate: For timm; a model without drop path takes 0 only.
        img_size: Side, or (height, width), that the model is built for. Needed where a model takes one size only, which
            is then the only size; elsewhere it sizes position tables.
        frozen_stages: See :class:`Backbone`, as for the next three.
        norm_eval: Keep batch norms in eval mode while training.
        with_cp: Recompute in the backward pass, where the model can.
        init_cfg: Initialisation.

    Raises:
        ConfigError: timm has no such model, or the model cannot keep the contract or do what an argument asks.
    """

    decay_rule = "timm"

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] | None = None,
        use_mask_token: bool = False,
        drop_path_rate: float = 0.0,
        img_size: int | Sequence[int] | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        super().__init__(3, use_mask_token, **plug)
        self.model_name = model_name
        self.design = describe(model_name, None if out_indices is None else tuple(out_indices), image_size(img_size))
        self.out_indices: tuple[int, ...] = self.design.options["out_indices"]
        self.channels = self.design.channels
        self.feature_strides = self.design.feature_strides
        self.num_layers = self.design.layers.num_layers
        self.num_stages = max(self.design.layers.stages.values(), default=-1)
        if frozen_stages != -1 and self.num_stages < 0:
            raise ConfigError(
                f"backbone.frozen_stages is {frozen_stages}, but timm does not group the parameters of {model_name}, "
                "so that it has no stages. Set frozen_stages=-1."
            )
        self._options = {**self.design.options, **self._drop_path(drop_path_rate)}
        self._model: tuple[nn.Module, ...] = ()
        self.is_forward = False
        self.complete()
        for name in self.design.idle:
            self.get_parameter(name).requires_grad_(False)
        if with_cp:
            self._recompute()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """(B, 3, H, W), mask (B, H, W) bool -> maps (B, C_i, ceil(H / s_i), ceil(W / s_i))."""
        height, width = x.shape[-2:]
        (model,) = self._model
        self.is_forward = True
        try:
            maps = to_channels_first(model(self._pad(self.hide(x, mask))), model)
        finally:
            self.is_forward = False
        return tuple(
            each[:, :, : -(-height // stride), : -(-width // stride)].contiguous()
            for each, stride in zip(maps, self.feature_strides, strict=True)
        )

    def reset_parameters(self) -> None:
        """Draw parameters and statistics as timm does when it builds the model."""
        drawn = build(self.model_name, self._options)
        if self._model:
            self._model[0].load_state_dict(drawn.state_dict())
        else:
            # The names are timm's because its modules are ours: one dict, in which a child can be exchanged for both,
            # as SyncBatchNorm is. The model itself is out of the tree's sight.
            self._model = (drawn,)
            self._modules = drawn._modules
        self.reset_mask_token()

    def no_weight_decay(self) -> set[str]:
        """What the model exempts, and the mask token."""
        return super().no_weight_decay() | self.design.layers.no_weight_decay

    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        """Parameters of timm's coarse groups up to number ``stages``, and the modules that have no others."""
        frozen = {name for name, stage in self.design.layers.stages.items() if stage <= stages}
        parts: list[nn.Module | nn.Parameter] = [self.get_parameter(name) for name in sorted(frozen)]
        for path, module in self.named_modules():
            inside = {f"{path}.{name}" for name, _ in module.named_parameters()}
            if path and inside and inside <= frozen:
                parts.append(module)
        return parts if self.mask_token is None else [*parts, self.mask_token]

    def _layer_of(self, name: str) -> int:
        return self.design.layers.layers.get(name, 0)

    def _pad(self, x: Tensor) -> Tensor:
        divisor, fixed = self.design.divisor, self.design.fixed_size
        height, width = x.shape[-2:]
        if fixed is not None and (height, width) != fixed:
            raise ConfigError(
                f"the images are {height}x{width} pixels; {self.model_name} was built for {fixed[0]}x{fixed[1]} and "
                "takes no others. Resize the images, set backbone.img_size, or take a model of any size."
            )
        rows, columns = -height % divisor, -width % divisor
        return F.pad(x, (0, columns, 0, rows)) if rows or columns else x

    def _drop_path(self, rate: float) -> dict[str, float]:
        if not 0 <= rate < 1:
            raise ConfigError(f"backbone.drop_path_rate is {rate}; expected at least 0 and less than 1.")
        if rate and not self.design.takes_drop_path:
            raise ConfigError(
                f"backbone.drop_path_rate is {rate}, but {self.model_name} has no drop path. Set drop_path_rate=0.0."
            )
        return {"drop_path_rate": rate} if self.design.takes_drop_path else {}

    def _recompute(self) -> None:
        """Turn on timm's activation checkpointing; a batch norm counts a batch once all the same."""
        (model,) = self._model
        wrapped = (child for name, child in model.named_children() if name in WRAPPERS)
        inner: Any = next((child for child in wrapped if hasattr(child, "set_grad_checkpointing")), model)
        try:
            inner.set_grad_checkpointing(True)
        except (AssertionError, AttributeError) as error:
            raise ConfigError(
                f"backbone.with_cp is True, but timm does not recompute {self.model_name}. Set with_cp=False."
            ) from error
        for module in self.modules():
            if isinstance(module, _BatchNorm) and module.track_running_stats:
                counter = _CountedOnce(self)
                module.register_forward_pre_hook(counter.before)
                module.register_forward_hook(counter.after, always_call=True)


class _CountedOnce:
    """Hooks of one batch norm: outside ``backbone.forward`` a batch is seen again, and the statistics stay."""

    def __init__(self, backbone: TimmBackbone) -> None:
        self.backbone = backbone
        self.held: tuple[float | None, Tensor] | None = None

    def before(self, norm: _BatchNorm, _: Any) -> None:
        if norm.training and not self.backbone.is_forward and norm.num_batches_tracked is not None:
            self.held = (norm.momentum, norm.num_batches_tracked.clone())
            norm.momentum = 0.0

    def after(self, norm: _BatchNorm, *_: Any) -> None:
        if self.held is not None and norm.num_batches_tracked is not None:
            norm.momentum, count = self.held
            norm.num_batches_tracked.copy_(count)
            self.held = None
