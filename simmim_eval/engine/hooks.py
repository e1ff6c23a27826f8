"""Hooks of every run: progress for whoever watches, and checkpoints that hold plain data only."""

from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner

__all__ = ["PlainCheckpoint", "Progress", "ProgressCallback"]

ProgressCallback = Callable[[str, int, int], None]
"""Called with (stage ``"train"`` or ``"test"``, steps done, steps in all)."""


class Progress(Hook):
    """Tell a callback how far training and testing are."""

    def __init__(self, callback: ProgressCallback) -> None:
        self.callback = callback

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """One training step is done."""
        self.callback("train", runner.iter + 1, runner.max_iters)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """One test batch is done."""
        self.callback("test", batch_idx + 1, len(runner.test_dataloader))


class PlainCheckpoint(Hook):
    """Flatten what mmengine would pickle, so that a checkpoint loads with ``weights_only=True``.

    Args:
        header: Gives plain data about the run as it is now, for those who go on with it or start from its weights.
    """

    priority = "VERY_LOW"

    def __init__(self, header: Callable[[Runner], dict[str, Any]]) -> None:
        self.header = header

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Turn history buffers into numbers and add the header."""
        hub = checkpoint["message_hub"]
        hub["log_scalars"] = {name: _flatten(buffer) for name, buffer in hub["log_scalars"].items()}
        told = {name: v.item() if isinstance(v, np.generic) else v for name, v in hub["runtime_info"].items()}
        hub["runtime_info"] = {name: v for name, v in told.items() if isinstance(v, str | int | float)}
        hub["resumed_keys"] = {
            k: v for k, v in hub["resumed_keys"].items() if k in hub["log_scalars"] | hub["runtime_info"]
        }
        checkpoint["simmim_eval"] = self.header(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Rebuild the history buffers when a run goes on."""
        del runner
        hub = checkpoint["message_hub"]
        hub["log_scalars"] = {name: HistoryBuffer(*flat) for name, flat in hub["log_scalars"].items()}


def _flatten(buffer: HistoryBuffer) -> tuple[list[float], list[int], int]:
    log, count = buffer.data
    return log.tolist(), count.tolist(), buffer.max_length
