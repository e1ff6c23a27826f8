"""From a request to a run that knows its own identity before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from simmim_eval.data.fingerprint import data_fingerprint
from simmim_eval.engine import identity
from simmim_eval.engine.batch import batch_plan, num_processes
from simmim_eval.engine.faults import explained
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.plug import backbone_config, backbone_of
from simmim_eval.engine.precision import precision
from simmim_eval.engine.recipe import REPORTED_SPLIT, TASKS, bind_data, fields, find_config, load_recipe
from simmim_eval.engine.sampler import check_sampler
from simmim_eval.errors import ConfigError
from simmim_eval.records import NUMERICS_VERSION, BackboneSpec, Budget, InitProfile, Protocol, run_id
from simmim_eval.task import Task
from simmim_eval.weights import load, read_checkpoint, weights_hash

__all__ = ["PreparedRun", "RunRequest", "prepare"]


@dataclass(frozen=True)
class RunRequest:
    """What a user asks for.

    Attributes:
        config: A recipe, as a path or as a name inside the package's ``configs/``.
        init: Where the first weights come from.
        data_root: Folder of the data set.
        seed: Of this run.
        split: The evaluated split; only ``val`` is ever reported.
        options: ``--cfg-options``.
        produced_by: Inside a suite, the id of the run that gives the initial weights.
        init_seed: Inside a suite, the seed of that run.
    """

    config: str
    init: InitSource
    data_root: Path
    seed: int = 0
    split: str = REPORTED_SPLIT
    options: Mapping[str, Any] = field(default_factory=dict)
    produced_by: str | None = None
    init_seed: int | None = None


@dataclass(frozen=True)
class PreparedRun:
    """A run that is ready to start.

    Attributes:
        request: What was asked.
        name: Stem of the recipe's file.
        task: The task.
        config: The recipe, bound to data, initialisation and seed; it has no work directory yet.
        init_weights: Identity of the initial weights, None for random ones.
        run_id: Hash of all that may change a number.
    """

    request: RunRequest
    name: str
    task: Task
    config: Config
    protocol: Protocol
    budget: Budget
    init_profile: InitProfile
    backbone: BackboneSpec
    method: str
    precision: str
    init_weights: str | None
    run_id: str


def prepare(request: RunRequest) -> PreparedRun:
    """Read, check and bind a recipe. Data sets and model are built once, so that their faults show before any run.

    Raises:
        ConfigError: The recipe or an option is wrong.
        DataError: The data root lacks what the recipe reads.
        CheckpointError: The checkpoint cannot be read, or does not fit the backbone.
    """
    path = find_config(request.config)
    config = load_recipe(path, request.options)
    with explained(path, config):
        return _prepare(request, path, config)


def _prepare(request: RunRequest, path: Path, config: Config) -> PreparedRun:
    task = TASKS[config.task]
    _check_training(request, config)
    request = replace(request, init=request.init.resolved())
    init_weights = _init_weights(request)
    recipe, evaluation = identity.recipe_digest(config), identity.evaluation_digest(config)
    fingerprint = data_fingerprint(request.data_root, config.data_parts)
    bind_data(config, request.data_root, request.split)
    config.randomness = {"seed": request.seed}
    if request.init.checkpoint:
        backbone_config(config).init_cfg = {"type": "simmim_eval.Pretrained", "checkpoint": request.init.checkpoint}
    elif backbone_config(config).get("init_cfg"):
        raise ConfigError(f"{path}: model.backbone.init_cfg is set. Remove it; the initialisation comes from --init.")
    train_set, test_set = identity.build_datasets(config)
    _check_num_classes(config, len(train_set.metainfo.get("classes") or ()))
    backbone = _try_model(request, config)
    protocol = Protocol(
        task=task.name,
        task_version=task.version,
        data=config.data,
        data_fingerprint=fingerprint,
        split=request.split,
        num_samples=len(test_set) // config.get("views", 1),
        metric=task.metrics[0].name,
        evaluation={"digest": evaluation},
    )
    parts = {
        "protocol": protocol,
        "budget": identity.budget(config, recipe, len(train_set)),
        "init_profile": identity.init_profile(
            config, getattr(backbone, "windows", None), getattr(backbone, "decay_rule", None)
        ),
        "backbone": identity.backbone_spec(config),
        "method": config.get("method", "fine-tuning"),
        "precision": precision(config),
        "init_weights": init_weights,
    }
    key = run_id(
        **parts,
        init_kind=request.init.kind,
        seed=request.seed,
        init_seed=request.init_seed,
        numerics_version=NUMERICS_VERSION,
    )
    return PreparedRun(request=request, name=path.stem, task=task, config=config, run_id=key, **parts)


def _check_training(request: RunRequest, config: Config) -> None:
    """Refuse, before anything is read, what would stop the run at its first step or make it impossible to resume."""
    if not 0 <= request.seed < 2**32:
        raise ConfigError(f"--seed {request.seed}: expected a whole number from 0 to {2**32 - 1}.")
    batch_plan(config, num_processes())
    check_sampler(config)
    precision(config)


def _check_num_classes(config: Config, num_classes: int) -> None:
    """Refuse a head that has no output for some class; a region proposal network has one class, whatever the data."""
    for place, value in fields(config.model, "num_classes", "model."):
        if value < num_classes and "rpn_head" not in place:
            raise ConfigError(f"{place} is {value}, the training set has {num_classes} classes. Set {num_classes}.")


def _try_model(request: RunRequest, config: Config) -> nn.Module:
    """The backbone of the model, built as the run will, with the checkpoint loaded if it is there already."""
    model = MODELS.build(config.model)
    if request.init.checkpoint and not request.init.is_run:
        load(backbone_of(model), request.init.checkpoint)
    return backbone_of(model)


def _init_weights(request: RunRequest) -> str | None:
    if request.init.checkpoint is None:
        return None
    return request.produced_by or weights_hash(read_checkpoint(request.init.checkpoint).state)
