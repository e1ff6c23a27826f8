"""One hash for a set of weights, whatever file holds them."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["weights_hash"]


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """Hexadecimal SHA-256 over the sorted (name, dtype, shape, bytes) of the tensors.

    Two files with the same weights hash equally though their bytes differ (zip dates, order, optimiser state).
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        # repr quotes the name, so that no two lists of tensors give the same bytes
        digest.update(f"{name!r} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
