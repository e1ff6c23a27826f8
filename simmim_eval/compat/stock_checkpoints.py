"""Checkpoints that a stock mmengine ``Runner`` pickles, read under ``torch.load``'s ``weights_only`` default.

They hold ``HistoryBuffer`` objects, whose state names their own methods through ``getattr``. In place of that name
stands a function that finds nothing but those methods; everything else stays refused.
"""

import pickle
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

__all__ = ["allow_stock_checkpoints"]

_METHODS = ("min", "max", "current", "mean")  # the statistics that a buffer carries


def allow_stock_checkpoints() -> None:
    """Let ``torch.load`` of this process read the checkpoints that mmengine's ``Runner`` writes."""
    reconstruct: Any = np.empty(0).__reduce__()[0]
    scalar: Any = np.float64(0).__reduce__()[0]
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            (_history_method, "builtins.getattr"),
            (reconstruct, "numpy.core.multiarray._reconstruct"),
            (reconstruct, "numpy._core.multiarray._reconstruct"),
            (scalar, "numpy.core.multiarray.scalar"),
            (scalar, "numpy._core.multiarray.scalar"),
            np.ndarray,
            np.dtype,
            *{type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64)},
        ]
    )


def _history_method(owner: Any, name: str) -> Any:
    if owner is HistoryBuffer and name in _METHODS:
        return getattr(HistoryBuffer, name)
    raise pickle.UnpicklingError(f"getattr({owner!r}, {name!r}) in a checkpoint; only HistoryBuffer's methods are read")
