"""The checkpoints of a run on its way: written whole, the newest kept, the last weights alone when it is done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simmim_eval.errors import CheckpointError
from simmim_eval.weights import read_checkpoint

__all__ = [
    "CHECKPOINT_FILE",
    "Past",
    "keep_last_weights",
    "keep_newest",
    "misfits",
    "newest_checkpoint",
    "read_past",
    "remove_leftovers",
]

CHECKPOINT_FILE = "last.pth"
ON_THE_WAY = ("iter_*.pth", "epoch_*.pth")
BEST = "best_*.pth"
POINTER = "last_checkpoint"  # mmengine's, to the newest
COUNTER = ".num_batches_tracked"  # old files have none, and evaluation reads none
LEFTOVERS = (".*.pth",)  # what was being written when a process was killed


@dataclass(frozen=True)
class Past:
    """What earlier attempts at a run left.

    Attributes:
        path: The newest whole checkpoint, None if there is none.
        trained: Whether it holds the last weights.
        train_seconds: Training time behind it.
        init: The record's ``init``, as plain data.
    """

    path: Path | None = None
    trained: bool = False
    train_seconds: float = 0.0
    init: dict[str, Any] = field(default_factory=dict)


def read_past(work_dir: Path, run_id: str) -> Past:
    """Find where a run goes on; checkpoints of another run are passed over."""
    last = [work_dir / CHECKPOINT_FILE] if (work_dir / CHECKPOINT_FILE).exists() else []
    for path in (*last, *_newest_first(work_dir)):
        header = _header(path)
        if header.get("run_id") == run_id and "init" in header:
            return Past(path, path.name == CHECKPOINT_FILE, header["train_seconds"], header["init"])
    return Past()


def newest_checkpoint(work_dir: Path) -> Path | None:
    """The newest whole checkpoint of a run on its way; one that is not whole is passed over.

    mmengine's own pointer to it may name a file that is gone: it is written last.
    """
    return next((path for path in _newest_first(work_dir) if _header(path)), None)


def keep_newest(newest: Path) -> None:
    """Remove the checkpoints on the way that ``newest``, whole by now, has made needless."""
    if any(newest.match(pattern) for pattern in ON_THE_WAY):
        _remove(path for path in _on_the_way(newest.parent) if path != newest)


def keep_last_weights(work_dir: Path) -> None:
    """Remove all checkpoints but the last weights."""
    _remove([*_on_the_way(work_dir), *work_dir.glob(BEST), work_dir / POINTER])


def remove_leftovers(work_dir: Path, *, anew: bool) -> None:
    """Remove what a killed process was writing; for a run that starts anew also what earlier attempts left."""
    _remove(path for pattern in LEFTOVERS for path in work_dir.glob(pattern))
    if anew:
        keep_last_weights(work_dir)
        _remove([work_dir / CHECKPOINT_FILE])


def _on_the_way(work_dir: Path) -> list[Path]:
    return [path for pattern in ON_THE_WAY for path in work_dir.glob(pattern)]


def _newest_first(work_dir: Path) -> list[Path]:
    return sorted(_on_the_way(work_dir), key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _header(path: Path) -> dict[str, Any]:
    """What we wrote beside the weights; empty if the file is not whole, or not ours."""
    try:
        read_checkpoint(path)
    except CheckpointError:
        return {}
    header: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True).get("simmim_eval", {})
    return header


def _remove(paths: Iterator[Path] | list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def misfits(model: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """What keeps ``state`` from being the whole of a model, a tensor each."""
    found = [f"{name} is missing" for name in model if name not in state and not name.endswith(COUNTER)]
    found += [f"{name} is unexpected" for name in state if name not in model]
    return found + [
        f"{name} is {tuple(state[name].shape)}, the model's {tuple(tensor.shape)}"
        for name, tensor in model.items()
        if name in state and state[name].shape != tensor.shape
    ]
