"""The precision in which the stand-ins compute."""

from functools import reduce

import torch
from torch import Tensor

__all__ = ["widen"]


def widen(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in their common dtype, at least float32.

    torchvision's CPU kernels refuse bfloat16, some refuse float16, and all refuse two dtypes in one call, which is
    what automatic mixed precision gives (features in half, boxes in float32). float32 and float64 are not copied.
    """
    dtype = reduce(torch.promote_types, (tensor.dtype for tensor in tensors), torch.float32)
    return tuple(tensor.to(dtype) for tensor in tensors)
