"""mmengine's two training loops, begun at any step, with one optimiser step as one iteration."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.runner import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.runner.utils import calc_dynamic_intervals
from torch import Tensor, nn

from simmim_eval.engine.seeding import Stream, seed_generators

__all__ = ["EpochLoop", "IterationLoop"]


class _CountedSteps(BaseLoop):
    """What both loops do for one optimiser step."""

    def count_from_here(self) -> None:
        """Tell the optimiser's wrapper, which counts micro-batches, where the run is."""
        accumulation = self.runner.plan.accumulation
        counts = (self._iter * accumulation, self._max_iters * accumulation)
        self.runner.optim_wrapper.initialize_count_status(self.runner.model, *counts)

    def run_step(self, index: int, batches: Iterator[Any]) -> None:
        """Take the micro-batches of one step, and let the hooks see one iteration."""
        runner, plan = self.runner, self.runner.plan
        batch, outputs = next(batches), []
        runner.call_hook("before_train_iter", batch_idx=index, data_batch=batch)
        for number in range(plan.accumulation):
            batch = next(batches) if number else batch
            place = number * plan.processes + runner.rank
            seed_generators(runner.seed, Stream.STEP, self._iter, place)
            outputs.append(runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper))
        told = outputs[0] if len(outputs) == 1 else _mean(outputs)
        runner.call_hook("after_train_iter", batch_idx=index, data_batch=batch, outputs=told)
        self._iter += 1


class EpochLoop(_CountedSteps, EpochBasedTrainLoop):
    """Epochs; one that was interrupted goes on where its last checkpoint is."""

    def run(self) -> nn.Module:
        """Train."""
        self.count_from_here()
        return super().run()

    def run_epoch(self) -> None:
        """The rest of the current epoch."""
        first = self._iter - self._epoch * len(self.dataloader)
        self.dataloader.batch_sampler.begin(self._epoch, first)
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        batches = iter(self.dataloader)
        for index in range(first, len(self.dataloader)):
            self.run_step(index, batches)
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1


class IterationLoop(_CountedSteps, IterBasedTrainLoop):
    """Iterations of an endless stream of batches; the arguments are those of mmengine's ``IterBasedTrainLoop``."""

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ) -> None:
        # mmengine's own begins to load data here, before it is known where the run goes on.
        BaseLoop.__init__(self, runner, dataloader)
        self._max_iters, self._max_epochs = max_iters, 1
        self._iter = self._epoch = 0
        self.val_begin, self.val_interval = val_begin, val_interval
        self.stop_training = False
        self.runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, "metainfo", None)
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(val_interval, dynamic_intervals)

    def run(self) -> nn.Module:
        """Train."""
        self.count_from_here()
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        self.dataloader.batch_sampler.begin(0, self._iter)
        batches = iter(self.dataloader)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_step(self._iter, batches)
            self._decide_current_val_interval()
            is_due = self._iter % self.val_interval == 0 or self._iter == self._max_iters
            if self.runner.val_loop is not None and self._iter >= self.val_begin and is_due:
                self.runner.val_loop.run()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        model: nn.Module = self.runner.model
        return model


def _mean(outputs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What a log says of a step: the mean over its micro-batches."""
    detached = [
        {name: value.detach() if isinstance(value, Tensor) else value for name, value in one.items()} for one in outputs
    ]
    return {name: sum(one[name] for one in detached) / len(detached) for name in detached[0]}
