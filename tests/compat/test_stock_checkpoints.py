"""What mmengine's Runner pickles is read, in a process of its own; nothing else that asks for attributes is."""

import subprocess
import sys
from pathlib import Path

import torch
from mmengine.logging import HistoryBuffer

READ = """
import pickle, sys, torch
from simmim_eval.compat.stock_checkpoints import allow_stock_checkpoints
allow_stock_checkpoints()
for path in sys.argv[1:]:
    try:
        print(type(torch.load(path)["value"]).__name__)
    except pickle.UnpicklingError:
        print("refused")
"""
HOSTILE = [
    (owner, name)
    for owner in (HistoryBuffer, dict, torch.nn.Module)
    for name in ("__init__", "__class__", "fromkeys", "__reduce__", "register_statistics")
    if hasattr(owner, name)
]


class Attribute:
    """Pickles as ``getattr(owner, name)``."""

    def __init__(self, owner: object, name: str) -> None:
        self.call = (getattr, (owner, name))

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def test_a_history_buffer_is_read_and_other_attributes_are_refused(tmp_path: Path) -> None:
    buffer = HistoryBuffer()
    buffer.update(1.0)
    values = [buffer, buffer.mean(), *(Attribute(owner, name) for owner, name in HOSTILE)]
    paths = [tmp_path / f"{number}.pth" for number in range(len(values))]
    for value, path in zip(values, paths, strict=True):
        torch.save({"value": value}, path)
    command = [sys.executable, "-c", READ, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["HistoryBuffer", "float64"] + ["refused"] * len(HOSTILE)
