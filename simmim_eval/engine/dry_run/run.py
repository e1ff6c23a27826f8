"""A recipe built on the meta device, with all that can be told of it before anything runs."""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from simmim_eval import compat
from simmim_eval.engine.batch import BatchPlan, batch_plan
from simmim_eval.engine.dry_run.groups import ParameterGroup, build_optimizer, parameter_groups, state_bytes
from simmim_eval.engine.dry_run.input_size import InputSize, test_sizes, train_size
from simmim_eval.engine.dry_run.length import DataSize, Length, data_size, training_length, warm_up
from simmim_eval.engine.dry_run.memory import Memory, memory
from simmim_eval.engine.dry_run.parts import Notes
from simmim_eval.engine.dry_run.trial import build_on_meta, kept_by_step, test_flops, train_flops
from simmim_eval.engine.faults import explained
from simmim_eval.engine.identity import init_profile
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.plug import backbone_config, backbone_of
from simmim_eval.engine.precision import precision
from simmim_eval.engine.recipe import find_config, load_recipe
from simmim_eval.errors import ConfigError
from simmim_eval.weights import load

__all__ = ["TRAINING_PASSES", "DryRun", "dry_run", "inspect"]

TRAINING_PASSES = 3
"""Forward passes that a training step costs: the backward pass is two, for what is trained."""

REMOTE = re.compile(r"(?:timm|hf|https?):")
NARROW = {"amp-bfloat16": torch.bfloat16, "amp-float16": torch.float16}


@dataclass(frozen=True)
class DryRun:
    """What a recipe would cost.

    Attributes:
        path: Its file.
        config: As read, with options.
        precision: As a record says it.
        backbone: Parameters of the backbone.
        rest: Those of all else.
        groups: Of the optimiser.
        batch: How processes share a step.
        data: Sizes of the data.
        length: Of the training.
        warm_up: In words.
        train_size: One training sample.
        test_sizes: One evaluated sample.
        train_flops: Of a training sample, forward; a multiply-add is two.
        test_flops: Of an evaluated sample with all its views.
        memory: Of one process.
        init: What became of a checkpoint's tensors; None for random weights.
        notes: What is nominal, and what is left out.
    """

    path: Path
    config: Config
    precision: str
    backbone: int
    rest: int
    groups: list[ParameterGroup]
    batch: BatchPlan
    data: DataSize
    length: Length
    warm_up: str
    train_size: InputSize
    test_sizes: list[InputSize]
    train_flops: int
    test_flops: int
    memory: Memory
    init: str | None
    notes: list[str]

    @property
    def flops(self) -> int:
        """Of the whole run: training, and the test at its end where the size of the test set is known."""
        return TRAINING_PASSES * self.train_flops * self.length.images + self.test_flops * (self.data.val or 0)


def dry_run(
    name: str,
    options: Mapping[str, Any],
    *,
    processes: int = 1,
    data_root: Path | None = None,
    init: InitSource | None = None,
) -> DryRun:
    """Plan one run; nothing is trained, fetched or written.

    Args:
        name: A recipe, as a path or as a name inside the package's ``configs/``.
        options: ``--cfg-options``.
        processes: Processes that share the batch.
        data_root: Folder of the data; where it lacks them, published counts are taken.
        init: A local checkpoint is read and fitted to the backbone; one elsewhere is not fetched.

    Raises:
        ConfigError: The recipe is wrong, or the processes cannot share its batch.
        DataError: The data are there and broken.
        CheckpointError: The checkpoint is not there, or does not fit.
    """
    path = find_config(name)
    config = load_recipe(path, options)
    with _scope(config), explained(path, config):
        batch = batch_plan(config, processes)
        narrow = precision(config)
        data = data_size(config, data_root)
        length = training_length(config, data)
        model, base_lr = _build(config)
        backbone = sum(one.numel() for one in backbone_of(model).parameters())
        matched = _fit(model, init)
        optimizer = build_optimizer(model, config)
        groups = parameter_groups(model, optimizer, base_lr)
        notes: Notes = {}
        seen, tested = train_size(config), test_sizes(config)
        flops, wide = train_flops(model, seen, batch.micro, notes)
        kept = {
            "fp32": wide,
            "amp": kept_by_step(model, seen, batch.micro, NARROW.get(narrow, torch.float16), notes),
        }
        return DryRun(
            path=path,
            config=config,
            precision=narrow,
            backbone=backbone,
            rest=sum(one.numel() for one in model.parameters()) - backbone,
            groups=groups,
            batch=batch,
            data=data,
            length=length,
            warm_up=warm_up(config),
            train_size=seen,
            test_sizes=tested,
            train_flops=flops,
            test_flops=test_flops(model, tested, notes),
            memory=memory(model, config, processes, state_bytes(optimizer), kept),
            init=matched,
            notes=list(notes),
        )


def inspect(name: str, options: Mapping[str, Any]) -> tuple[Config, list[ParameterGroup]]:
    """The resolved recipe, and the groups of its optimiser.

    Raises:
        ConfigError: The recipe is wrong.
    """
    path = find_config(name)
    config = load_recipe(path, options)
    with _scope(config), explained(path, config):
        model, base_lr = _build(config)
        return config, parameter_groups(model, build_optimizer(model, config), base_lr)


@contextmanager
def _scope(config: Config) -> Iterator[None]:
    """Look up upstream's classes where the recipe means them to be, and keep upstream's logs of what it builds quiet.

    A suite changes from one library to another.
    """
    compat.install()
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with DefaultScope.overwrite_default_scope(config.get("default_scope", "mmengine")):
            yield
    finally:
        logging.disable(before)


def _build(config: Config) -> tuple[nn.Module, float]:
    """The model in training mode, so that frozen stages are frozen, and the recipe's rate."""
    node = backbone_config(config)
    if node.get("init_cfg"):
        raise ConfigError("model.backbone.init_cfg is set. Remove it; the initialisation comes from --init.")
    model = build_on_meta(config)
    model.train()
    return model, float(init_profile(config, None).base_lr)


def _fit(model: nn.Module, init: InitSource | None) -> str | None:
    """Read a local checkpoint into the backbone: its values are lost there, but whether it fits is known."""
    if init is None or init.source is None:
        return None
    if init.is_run or REMOTE.match(init.source):
        return "not read: a dry run fetches nothing"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*copying from a non-meta parameter")
        return load(backbone_of(model), init.source).summary()
