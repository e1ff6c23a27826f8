"""The processes of one run, as torchrun starts them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed

from simmim_eval.engine.batch import num_processes

__all__ = ["joined"]


@contextmanager
def joined() -> Iterator[None]:
    """Join the process group that torchrun's environment describes; a process alone joins nothing.

    mmengine's launcher sets a GPU whether there is one or not, so the group is made before it: NCCL between GPUs,
    gloo between CPUs.
    """
    if num_processes() == 1 or distributed.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()
