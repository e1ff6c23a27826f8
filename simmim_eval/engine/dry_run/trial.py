"""A model on the meta device, where tensors have shapes and no values: what a pass costs and what it keeps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from simmim_eval.engine.dry_run.input_size import InputSize
from simmim_eval.engine.dry_run.kernels import GpuKernels
from simmim_eval.engine.dry_run.parts import Notes, forward

__all__ = ["build_on_meta", "kept_by_step", "kept_bytes", "test_flops", "train_flops"]


def build_on_meta(config: Config) -> nn.Module:
    """The model of a recipe, in the registry's current scope, without memory for its weights."""
    try:
        with torch.device("meta"):
            model: nn.Module = MODELS.build(config.model)
    except (RuntimeError, NotImplementedError):  # upstream reads values while it builds: drop path rates, for one
        model = MODELS.build(config.model).to("meta")
    return model


def test_flops(model: nn.Module, sizes: Sequence[InputSize], notes: Notes) -> int:
    """FLOPs of evaluating one sample, all its views; a multiply-add is two.

    Args:
        model: On the meta device.
        sizes: Of the sample.
        notes: Gains what was nominal and what was left out.
    """
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for size in sizes:
            forward(model, size, 1, notes)
    return counter.get_total_flops()


def train_flops(model: nn.Module, size: InputSize, batch: int, notes: Notes) -> tuple[int, int]:
    """FLOPs of a training sample, forward only, and what :func:`kept_by_step` says of the same pass in float32."""
    with FlopCounterMode(display=False) as counter:
        kept = kept_by_step(model, size, batch, None, notes)
    return counter.get_total_flops() // batch, kept


def kept_by_step(model: nn.Module, size: InputSize, batch: int, narrow: torch.dtype | None, notes: Notes) -> int:
    """Bytes that the forward pass of a micro-batch keeps on a GPU for the backward pass.

    Args:
        model: On the meta device.
        size: Of a sample.
        batch: Samples.
        narrow: Of autocast; None: float32.
        notes: Gains what was nominal and what was left out.
    """
    model.train()
    with kept_bytes(model) as kept, GpuKernels(narrow):
        outputs = forward(model, size, batch, notes)
        total = kept()
    del outputs
    return total


@contextmanager
def kept_bytes(model: nn.Module) -> Iterator[Callable[[], int]]:
    """Count what autograd keeps inside, each storage once, without the model's own parameters and buffers."""
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}  # held, so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor.detach()

    def unpack(tensor: Tensor) -> Tensor:
        return tensor

    with saved_tensors_hooks(pack, unpack):
        yield lambda: sum(storage.nbytes() for storage in kept.values())
