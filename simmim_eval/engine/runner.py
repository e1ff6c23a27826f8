"""mmengine's Runner with three things changed: what seeds it, what a step is, how checkpoints reach the disk."""

import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size, master_only
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from simmim_eval.engine.batch import BatchPlan, batch_plan, is_by_epoch
from simmim_eval.engine.checkpoint import keep_newest
from simmim_eval.engine.loop import EpochLoop, IterationLoop
from simmim_eval.engine.precision import on_this_device
from simmim_eval.engine.sampler import train_loader_config
from simmim_eval.engine.seeding import SeededDataset, Stream, seed_generators
from simmim_eval.errors import CheckpointError
from simmim_eval.files import atomic_path

__all__ = ["CountedRunner", "SettledConfig"]


class SettledConfig(Config):
    """A config that changes no more once it was printed, and is formatted once, not for every checkpoint."""

    @cached_property
    def pretty_text(self) -> str:
        """The config as a program."""
        text: str = super().pretty_text
        return text


class CountedRunner(Runner):
    """A runner whose runs end alike, whatever the workers, the kills and the resumes on the way."""

    @property
    def plan(self) -> BatchPlan:
        """How the effective batch is shared."""
        return batch_plan(self.cfg, get_world_size())

    def build_model(self, model: nn.Module | dict[str, Any]) -> nn.Module:
        """Build the model from its own draws."""
        seed_generators(self.seed, Stream.MODEL)
        built: nn.Module = super().build_model(model)
        return built

    def _init_model_weights(self) -> None:
        seed_generators(self.seed, Stream.WEIGHTS)
        super()._init_model_weights()

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """As mmengine's; between CPUs no device is named, and no batch norm is synchronised, which needs a GPU."""
        if not self.distributed or torch.cuda.is_available():
            wrapped: nn.Module = super().wrap_model(model_wrapper_cfg, model)
            return wrapped
        unused = self.cfg.get("find_unused_parameters", False)
        return MMDistributedDataParallel(
            module=revert_sync_batchnorm(model), broadcast_buffers=False, find_unused_parameters=unused
        )

    def build_optim_wrapper(self, optim_wrapper: dict[str, Any] | OptimWrapper) -> OptimWrapper:
        """Build the optimiser, with the accumulation that the effective batch asks for."""
        if isinstance(optim_wrapper, dict):
            accumulation = {"accumulative_counts": self.plan.accumulation}
            optim_wrapper = ConfigDict(on_this_device({**optim_wrapper, **accumulation}))
        return super().build_optim_wrapper(optim_wrapper)

    def build_train_loop(self, loop: BaseLoop | dict[str, Any]) -> BaseLoop:
        """The loop that ``train_cfg`` names, in our form."""
        if isinstance(loop, BaseLoop):
            return loop
        by_epoch = is_by_epoch(self.cfg)
        arguments = {key: value for key, value in loop.items() if key not in ("type", "by_epoch")}
        loader = train_loader_config(self._train_dataloader, self.plan, self.rank, by_epoch=by_epoch)
        kind = EpochLoop if by_epoch else IterationLoop
        return kind(runner=self, dataloader=loader, **arguments)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader[Any] | dict[str, Any], seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader[Any]:
        """Build a loader whose samples are seeded one by one."""
        if isinstance(dataloader, dict):
            seeded = {"type": SeededDataset, "dataset": copy.deepcopy(dataloader["dataset"]), "seed": seed}
            dataloader = ConfigDict({**dataloader, "dataset": seeded})
        return Runner.build_dataloader(dataloader, seed, diff_rank_seed)

    @master_only
    def save_checkpoint(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        """Write a checkpoint under a temporary name, rename it, and only then remove what it replaces.

        Raises:
            CheckpointError: The disk is full, or the folder cannot be written; earlier checkpoints are still there.
        """
        path = Path(out_dir) / filename
        try:
            with atomic_path(path, overwrite=True) as temporary:
                super().save_checkpoint(out_dir, temporary.name, *args, **kwargs)
        except OSError as error:
            raise CheckpointError(
                f"{path}: cannot be written ({error.strerror}). What was written before is whole: make room or correct "
                "the permissions, and run again; the run goes on from its newest checkpoint."
            ) from error
        keep_newest(path)
