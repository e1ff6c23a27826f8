"""fp32, fp16 and bf16, by recipe: which one a run has, and bf16 on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

from simmim_eval.engine.recipe import class_name
from simmim_eval.errors import ConfigError, nearest

__all__ = ["CpuAmpOptimWrapper", "check_device", "on_this_device", "precision"]

WRAPPERS = ("OptimWrapper", "AmpOptimWrapper")
NARROW = ("float16", "bfloat16")
ONLY_ON_GPU = ("loss_scale", "use_fsdp", "dtype")  # bf16 has the range of fp32: its losses need no scale


class CpuAmpOptimWrapper(OptimWrapper):
    """mmengine's ``AmpOptimWrapper`` with bfloat16, which insists on a GPU, for a CPU."""

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute in bfloat16 where that is safe, as on a GPU."""
        with super().optim_context(model), torch.autocast("cpu", dtype=torch.bfloat16):
            yield


def precision(config: Config) -> str:
    """``fp32``, ``amp-float16`` or ``amp-bfloat16``.

    Raises:
        ConfigError: The optimiser's wrapper, or its ``dtype``, is none of these.
    """
    wrapper = config.optim_wrapper
    name = class_name(wrapper) or WRAPPERS[0]
    if name not in WRAPPERS:
        raise ConfigError(f"optim_wrapper.type is {name!r} ({nearest(name, WRAPPERS)}). Use one of these.")
    if name == WRAPPERS[0]:
        return "fp32"
    dtype = wrapper.get("dtype") or NARROW[0]
    if dtype not in NARROW:
        raise ConfigError(f"optim_wrapper.dtype is {dtype!r}; expected 'float16' or 'bfloat16'. Correct it.")
    return f"amp-{dtype}"


def check_device(narrow: str) -> None:
    """Refuse to train in a precision that this machine does not have; ``narrow`` is :func:`precision`'s word.

    Raises:
        ConfigError: float16 without a GPU.
    """
    if narrow == "amp-float16" and not torch.cuda.is_available():
        raise ConfigError(
            "optim_wrapper trains in float16, which needs a GPU; none is here. Set optim_wrapper.dtype='bfloat16', or "
            "optim_wrapper.type='OptimWrapper' for float32: either is another recipe, with a row of its own."
        )


def on_this_device(wrapper: dict[str, object]) -> dict[str, object]:
    """The optimiser wrapper's config, with our wrapper where mixed precision has no GPU."""
    if class_name(wrapper) != WRAPPERS[1] or torch.cuda.is_available():
        return wrapper
    kept = {key: value for key, value in wrapper.items() if key not in ONLY_ON_GPU}
    return {**kept, "type": CpuAmpOptimWrapper}
