"""What one process needs on its GPU, by kind."""

from dataclasses import dataclass

import torch
from mmengine.config import Config
from torch import nn

from simmim_eval.engine.recipe import class_name

__all__ = ["Memory", "memory"]


@dataclass(frozen=True)
class Memory:
    """Bytes of one process.

    Attributes:
        parameters: And buffers, in float32; also the average of an ``EMAHook``.
        gradients: Of what is trained; with several processes also the buckets they are exchanged in.
        optimizer: What it keeps from step to step; None: not known.
        activations: What the forward pass of one micro-batch keeps for the backward pass, by precision.
    """

    parameters: int
    gradients: int
    optimizer: int | None
    activations: dict[str, int]

    def total(self, precision: str) -> int:
        """All of it in a precision; an optimiser that is not known counts nothing."""
        return self.parameters + self.gradients + (self.optimizer or 0) + self.activations[precision]


def memory(
    model: nn.Module, config: Config, processes: int, optimizer: int | None, activations: dict[str, int]
) -> Memory:
    """Add up what a training on ``processes`` processes holds in each of them."""
    own = _bytes([*model.parameters(), *model.buffers()])
    averages = sum(class_name(hook) == "EMAHook" for hook in config.get("custom_hooks") or [])
    trained = _bytes([one for one in model.parameters() if one.requires_grad])
    return Memory(own * (1 + averages), trained * (2 if processes > 1 else 1), optimizer, activations)


def _bytes(tensors: list[torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
