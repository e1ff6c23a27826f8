"""What ResNets for images and for clips share: stem, stages, layers, freezing and initialisation.

Parameter names are timm's: ``conv1``, ``bn1``, ``layer1.0.conv1``, ``layer1.0.downsample.0``.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ..errors import ConfigError
from .base import check_out_indices
from .pixel_mask import PixelMaskedBackbone
from .resnet_block import make_deep_stem, make_stage
from .resnet_design import ResNetDesign
from .resnet_layers import block_layers

__all__ = ["ResNetTrunk"]


class ResNetTrunk(PixelMaskedBackbone):
    """A ResNet but for its ``forward``.

    Args:
        design: Sizes and kinds.
        out_indices: Stages that give a map; None for all.
        in_chans: Input channels.
        use_mask_token: See :class:`PixelMaskedBackbone`.
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        zero_init_last: Start the last norm of each block at 0, so that the block begins as its shortcut.
        decay_rule: "block" or "group", see :func:`block_layers`.
        plug: Options of :class:`Backbone`.
    """

    def __init__(
        self,
        design: ResNetDesign,
        out_indices: Sequence[int] | None,
        in_chans: int,
        use_mask_token: bool,
        drop_path_rate: float,
        zero_init_last: bool,
        decay_rule: str,
        **plug: Any,
    ) -> None:
        super().__init__(in_chans, use_mask_token, **plug)
        self.design = design
        self.zero_init_last = zero_init_last
        self.decay_rule = decay_rule
        self._block_layers = block_layers(design.layers, decay_rule)
        self.num_layers = self._block_layers[-1][-1] + 2
        self.num_stages = len(design.layers)
        self.out_indices = check_out_indices(out_indices, self.num_stages)
        self.channels = tuple(design.channels[i] for i in self.out_indices)
        self.feature_strides = tuple(design.feature_strides[i] for i in self.out_indices)
        self._build(in_chans, drop_path_rate)

    def _build(self, in_chans: int, drop_path_rate: float) -> None:
        if not 0 <= drop_path_rate < 1:
            raise ConfigError(f"backbone.drop_path_rate is {drop_path_rate}; expected at least 0 and less than 1.")
        stem, layers = self.design.stem_channels, self.design.layers
        if self.design.deep_stem:
            self.conv1: nn.Module = make_deep_stem(in_chans, stem)
        else:
            self.conv1 = nn.Conv2d(in_chans, stem, 7, 2, 3, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(stem)
        self.act1 = nn.ReLU(inplace=True)
        self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1)
        last = max(sum(layers) - 1, 1)
        for i, count in enumerate(layers):
            first = sum(layers[:i])
            rates = [drop_path_rate * (first + block) / last for block in range(count)]
            self.add_module(f"layer{i + 1}", make_stage(self.design, i, rates))

    def stage_outputs(self, x: Tensor) -> Iterator[Tensor]:
        """Images, or clips, -> the map of each output stage."""
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        for i in range(self.out_indices[-1] + 1):
            for block in self._stage(i).children():
                x = self.run(block, x)
            if i in self.out_indices:
                yield x

    def run(self, block: nn.Module, x: Tensor, *context: Any) -> Tensor:
        """``block(x)``, recomputed in the backward pass if ``with_cp``; its batch norms count each batch once."""
        if not (self.with_cp and torch.is_grad_enabled()):
            return super().run(block, x, *context)

        def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
            return nullcontext(), _statistics_held(block)

        output: Tensor = checkpoint(block, x, *context, use_reentrant=False, context_fn=contexts)
        return output

    def reset_parameters(self) -> None:
        """As timm's and torchvision's: convolutions from He's normal law over fan-out, norms the identity.

        The last norm of a block is 0 with ``zero_init_last``. Running statistics start anew.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, _BatchNorm):
                module.reset_parameters()
        if self.zero_init_last:
            for module in self.modules():
                if isinstance(module, BasicBlock | Bottleneck):
                    module.zero_init_last()
        self.reset_mask_token()

    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        """The stem with its norm, and the first ``stages`` stages."""
        parts: list[nn.Module | nn.Parameter] = [self.conv1, self.bn1]
        if self.mask_token is not None:
            parts.append(self.mask_token)
        return parts + [self._stage(i) for i in range(stages)]

    def _layer_of(self, name: str) -> int:
        part, *rest = name.split(".")
        if not part.startswith("layer"):
            return 0
        return self._block_layers[int(part.removeprefix("layer")) - 1][int(rest[0])]

    def _stage(self, index: int) -> nn.Module:
        return self.get_submodule(f"layer{index + 1}")


@contextmanager
def _statistics_held(block: nn.Module) -> Iterator[None]:
    """Batch norms inside ``block`` normalise as before but leave their running statistics alone."""
    held: list[tuple[_BatchNorm, float | None, Tensor, Tensor]] = []
    for norm in block.modules():
        if isinstance(norm, _BatchNorm) and norm.num_batches_tracked is not None:
            held.append((norm, norm.momentum, norm.num_batches_tracked, norm.num_batches_tracked.clone()))
            # The running statistics themselves must be passed on: recomputing has to save the same tensors.
            norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count, before in held:
            norm.momentum = momentum
            count.copy_(before)
