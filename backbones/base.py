"""The plug: what every backbone offers to a task, to pre-training, to an optimiser and to a checkpoint reader."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmengine.model.weight_init import PretrainedInit, initialize
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ..errors import ConfigError, MaskError, nearest
from ..registry import WEIGHT_INITIALIZERS

__all__ = ["Backbone", "check_out_indices", "image_size"]


class Backbone(BaseModule):
    """Base of every family. A subclass builds its modules, sets the attributes below, then calls :meth:`complete`.

    Attributes:
        channels: Channels of each output.
        feature_strides: Input pixels per cell of each output.
        mask_stride: Input pixels per cell of a mask.
        num_layers: Layers as layer-wise decay counts them: the stem, the blocks and, last, the head.
        num_stages: How many stages ``frozen_stages`` can freeze.

    Args:
        frozen_stages: -1 none, 0 the stem, k the stem and the first k stages: no gradient, and in eval mode.
        norm_eval: Keep batch norms in eval mode while training.
        with_cp: Recompute blocks in the backward pass to save memory.
        init_cfg: ``dict(type="simmim_eval.Pretrained", checkpoint=...)``, or initialisers of mmengine.
    """

    channels: tuple[int, ...]
    feature_strides: tuple[int, ...]
    mask_stride: int
    num_layers: int
    num_stages: int
    _is_init: bool

    def __init__(
        self,
        *,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for cfg in self._init_cfgs():
            if cfg.get("type") in ("Pretrained", PretrainedInit):
                raise ConfigError(
                    f"backbone.init_cfg.type is {cfg['type']!r}, which loads what happens to fit and is silent about "
                    "the rest; expected 'simmim_eval.Pretrained'. Change the type, or remove init_cfg."
                )
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp

    @abstractmethod
    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...] | Tensor:
        """Feature maps of images; a backbone for clips takes (B, 3, T, H, W) and returns one bare map.

        Args:
            x: (B, 3, H, W) float, any H and W.
            mask: (B, ceil(H / mask_stride), ceil(W / mask_stride)) bool, True = hidden. What is hidden reaches the
                features through the mask token only.

        Returns:
            One (B, channels[i], ceil(H / feature_strides[i]), ceil(W / feature_strides[i])) map per output.
        """

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw every parameter from the family's official initialisation."""

    @abstractmethod
    def no_weight_decay(self) -> set[str]:
        """Names of parameters without weight decay beyond the usual vectors and biases."""

    @abstractmethod
    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        """What ``frozen_stages=stages`` (from 0) holds still."""

    @abstractmethod
    def _layer_of(self, name: str) -> int:
        """The layer of a parameter that exists."""

    def layer_id(self, name: str) -> int:
        """Layer of a parameter for layer-wise decay: 0 = stem, ``num_layers - 1`` = whatever follows the blocks.

        Args:
            name: The parameter's name relative to the backbone. An unknown one is a :class:`ConfigError`.
        """
        try:
            self.get_parameter(name)
        except AttributeError:
            known = [known for known, _ in self.named_parameters()]
            kind = type(self).__name__
            raise ConfigError(f"{kind} has no parameter {name!r}; {nearest(name, known)}") from None
        return self._layer_of(name)

    def complete(self) -> None:
        """End of a subclass's constructor: draw the parameters, check and freeze the frozen stages."""
        if not -1 <= self.frozen_stages <= self.num_stages:
            raise ConfigError(
                f"backbone.frozen_stages is {self.frozen_stages}; expected -1 (none) to {self.num_stages} (all)."
            )
        self.reset_parameters()
        self._freeze()

    def init_weights(self) -> None:
        """Draw the parameters, run other initialisers of ``init_cfg``, and load a checkpoint last; once only."""
        if self._is_init:
            return
        self.reset_parameters()
        loading = [cfg for cfg in self._init_cfgs() if _loads(cfg)]
        initialize(self, [cfg for cfg in self._init_cfgs() if not _loads(cfg)])
        for cfg in loading:
            WEIGHT_INITIALIZERS.build(cfg)(self)
        self._is_init = True

    def train(self, mode: bool = True) -> "Backbone":
        """Switch the mode; frozen stages, and with ``norm_eval`` batch norms, stay in eval mode."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def run(self, block: nn.Module, x: Tensor, *context: Any) -> Tensor:
        """``block(x, *context)``, recomputed in the backward pass if ``with_cp``."""
        if self.with_cp and torch.is_grad_enabled():
            output: Tensor = checkpoint(block, x, *context, use_reentrant=False)
            return output
        result: Tensor = block(x, *context)
        return result

    def check_mask(self, mask: Tensor, x: Tensor) -> None:
        """Raise :class:`MaskError` unless ``mask`` is a bool cell map of the images ``x``."""
        stride = self.mask_stride
        expected = (x.shape[0], -(-x.shape[2] // stride), -(-x.shape[3] // stride))
        if tuple(mask.shape) != expected or mask.dtype != torch.bool:
            raise MaskError(
                f"mask is {mask.dtype} of shape {tuple(mask.shape)}; images of shape {tuple(x.shape)} at mask_stride "
                f"{stride} need torch.bool of shape {expected}. Make one cell per patch, True = hidden."
            )

    def _init_cfgs(self) -> list[dict[str, Any]]:
        cfg = self.init_cfg
        return [] if cfg is None else [cfg] if isinstance(cfg, dict) else list(cfg)

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        for part in self.frozen_parts(self.frozen_stages):
            part.requires_grad_(False)
            if isinstance(part, nn.Module):
                part.eval()


def check_out_indices(out_indices: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """``out_indices`` as a tuple, all ``count`` stages if None; rising and in range, else :class:`ConfigError`."""
    if out_indices is None:
        return tuple(range(count))
    indices = tuple(out_indices)
    if not indices or list(indices) != sorted(set(indices)) or not 0 <= indices[0] <= indices[-1] < count:
        raise ConfigError(
            f"backbone.out_indices is {indices}; expected rising numbers from 0 to {count - 1}, "
            f"for example ({count - 1},) for the last stage only."
        )
    return indices


def image_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """``img_size`` as (height, width) in pixels, None as it is; anything else is a :class:`ConfigError`."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or min(pair) < 1:
        raise ConfigError(f"backbone.img_size is {size}; expected a side, (height, width) in pixels, or None.")
    return pair[0], pair[1]


def _loads(cfg: dict[str, Any]) -> bool:
    kind = cfg["type"]
    name: str = getattr(kind, "__name__", kind)
    return name.endswith("Pretrained")
