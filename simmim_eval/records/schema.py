"""What one run leaves behind: the record, version 1.

A record says what was measured (``metrics``), under which rules (``protocol``, ``budget``, ``init_profile``), from
which initial weights (``init``), and what it cost. Every struct is frozen, takes keywords only and knows no unknown
field. Counts are plain numbers, times are seconds, percentages run from 0 to 100.
"""

from datetime import UTC, datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

import msgspec

__all__ = [
    "INIT_KINDS",
    "SCHEMA_VERSION",
    "Attempt",
    "BackboneSpec",
    "Budget",
    "Cost",
    "Environment",
    "Init",
    "InitKind",
    "InitProfile",
    "Metric",
    "Protocol",
    "Provenance",
    "Record",
    "RecordKind",
    "RunStatus",
    "Scalar",
    "utc_now",
]

SCHEMA_VERSION = 1

InitKind = Literal["random", "supervised", "simmim", "simmim+supervised", "other_ssl", "from_scratch"]
RecordKind = Literal["pretrain", "transfer", "cited"]
RunStatus = Literal["interrupted", "failed", "completed"]
Unknown = Literal["unknown"]
Scalar = bool | int | float | str | None
Resolution = int | tuple[int, ...]

INIT_KINDS: tuple[InitKind, ...] = ("random", "supervised", "simmim", "simmim+supervised", "other_ssl", "from_scratch")

Count = Annotated[int, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
RunId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
UtcTime = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common rules of all parts of a record."""


class Metric(_Part, frozen=True, kw_only=True):
    """One reported number.

    Attributes:
        name: As the papers print it: ``top1``, ``box_ap``, ``mask_ap``, ``miou``.
        value: In ``unit``.
        unit: ``%`` or ``points`` (COCO's 0 to 100); empty for a bare number such as a loss.
        higher_is_better: The direction.
        floor: What an answer without any knowledge gets, in ``unit``; None where there is no such thing.
        primary: True for the one metric of the record that ``protocol.metric`` names.
        num_samples: Images, or clips, behind the value.
        std_error: Standard error of ``value``; None where it was not measured.
        std_error_over: What it is over.
        std_error_method: ``binomial`` or ``bootstrap, 200 resamples``.
    """

    name: Name
    value: float
    unit: str
    higher_is_better: bool
    floor: float | None
    primary: bool
    num_samples: Annotated[int, msgspec.Meta(ge=1)]
    std_error: Annotated[float, msgspec.Meta(ge=0)] | None = None
    std_error_over: Literal["images"] | None = None
    std_error_method: str | None = None

    def __post_init__(self) -> None:
        """Refuse an error whose meaning is not stated."""
        stated = {self.std_error is None, self.std_error_over is None, self.std_error_method is None}
        if len(stated) > 1:
            raise ValueError("std_error, std_error_over and std_error_method go together: give all three or none")


class Provenance(_Part, frozen=True, kw_only=True):
    """Where initial weights come from; every field may be ``unknown``, and is shown so.

    Attributes:
        method: ``simmim``, ``supervised``, ``mae``, ...
        data: Name of the pre-training data.
        data_fingerprint: Its fingerprint.
        labels_used: Whether the pre-training saw labels.
        images_seen: Images times epochs.
        resolution: Pixels a side, or all sides.
        cost_seconds: Time that the pre-training took, that of its own initial weights not included.
        overlap: ``none``, or which evaluation data the pre-training has seen.
        parent: Identity of the weights that the pre-training itself started from; None if from random ones.
    """

    method: str = "unknown"
    data: str = "unknown"
    data_fingerprint: str = "unknown"
    labels_used: bool | Unknown = "unknown"
    images_seen: Count | Unknown = "unknown"
    resolution: Resolution | Unknown = "unknown"
    cost_seconds: Seconds | Unknown = "unknown"
    overlap: str = "unknown"
    parent: str | None = None


class Init(_Part, frozen=True, kw_only=True):
    """The initial weights of a run and how they matched.

    Attributes:
        kind: Stated by the user, never guessed. ``random``: random weights under the recipe of the others;
            ``from_scratch``: random weights under a long recipe of their own.
        source: As given after ``--init KIND=``: a path, ``run:ID``, ``timm:NAME``; for random weights the kind.
        weights: Identity of the weights: the producer's run id, else the hash of the tensors; None for random ones.
        matched, adapted, new, missing, unexpected, dropped: Counts of the match report.
        provenance: None for random weights.
    """

    kind: InitKind
    source: Name
    weights: Name | None
    matched: Count = 0
    adapted: Count = 0
    new: Count = 0
    missing: Count = 0
    unexpected: Count = 0
    dropped: Count = 0
    provenance: Provenance | None = None


class Protocol(_Part, frozen=True, kw_only=True):
    """What is measured, on what; records that differ here are never compared.

    Attributes:
        task: ``classification``, ``detection``, ``segmentation``, ``recognition``, ``pretraining``.
        task_version: Raised by hand when the task's numbers change meaning.
        data: Name of the data set.
        data_fingerprint: Of all the data that the run reads.
        split: The reported split.
        num_samples: Images, or clips, in that split.
        metric: Name of the primary metric.
        evaluation: Everything else that changes the number: crop, views, score threshold, ...
    """

    task: Name
    task_version: Count
    data: Name
    data_fingerprint: Name
    split: Name
    num_samples: Annotated[int, msgspec.Meta(ge=1)]
    metric: Name
    evaluation: dict[str, Scalar] = {}


class Budget(_Part, frozen=True, kw_only=True):
    """What the run was allowed to spend.

    Attributes:
        images_seen: ``iterations`` times ``batch_size``.
        iterations: Optimiser steps.
        batch_size: Effective batch.
        resolution: Training pixels a side, or all sides (clips: frames first).
        tuning_trials: Runs spent on choosing hyperparameters.
        recipe: SHA-256 of the resolved recipe without initialisation, seed and paths.
    """

    images_seen: Count
    iterations: Count
    batch_size: Annotated[int, msgspec.Meta(ge=1)]
    resolution: Resolution
    tuning_trials: Count
    recipe: Sha256


class InitProfile(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """The closed list of settings that may follow the initialisation (None: the run has no such thing).

    ``decay_rule`` says how a backbone with a choice numbers its layers for ``layer_decay``. It is left out where
    there is no choice, so that records older than the field keep their ids.
    """

    normalisation: Name
    frozen_stages: int
    norm_eval: bool
    window_size: int | tuple[int, ...] | None
    base_lr: float
    layer_decay: float | None
    weight_decay: float
    decay_rule: str | None = None


class BackboneSpec(_Part, frozen=True, kw_only=True):
    """Which backbone: its registered name and a digest of its architecture's arguments."""

    name: Name
    arch: Name


class Cost(_Part, frozen=True, kw_only=True):
    """Wall time of the whole run, of its training alone (that of earlier attempts included), and peak memory."""

    seconds: Seconds
    train_seconds: Seconds
    peak_memory_mb: Annotated[float, msgspec.Meta(ge=0)]


class Environment(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Where the run took place; ``git`` is the commit, None outside a checkout.

    ``processes`` shared each effective batch, every one by ``accumulation`` micro-batches; older records do not say.
    """

    python: str
    platform: str
    packages: dict[str, str]
    git: str | None
    processes: Annotated[int, msgspec.Meta(ge=1)] | None = None
    accumulation: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Record(_Part, frozen=True, kw_only=True):
    """One completed run.

    Attributes:
        run_id: :func:`simmim_eval.records.run_id` of the identity fields.
        kind: ``cited`` numbers were read, not measured.
        name: Stem of the config.
        title: Label of the backbone in tables.
        method: ``simmim``, ``supervised``: what the run trains by.
        seed: Of this run.
        init_seed: Of the run that made the initial weights; None where there was none, or it is not known.
        precision: ``fp32``, ``amp-float16`` or ``amp-bfloat16``.
        numerics_version: Raised by hand when the same run gives other numbers.
        created: UTC, ISO 8601 with a closing Z.
        artifacts: Paths relative to the record's store.
    """

    schema_version: int
    run_id: RunId
    kind: RecordKind
    name: Name
    title: Name
    method: Name
    backbone: BackboneSpec
    protocol: Protocol
    budget: Budget
    init_profile: InitProfile
    init: Init
    seed: int
    init_seed: int | None
    precision: Name
    numerics_version: Count
    metrics: tuple[Metric, ...]
    cost: Cost
    environment: Environment
    created: UtcTime
    artifacts: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse parts that contradict each other."""
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(f"metrics hold a name twice: {', '.join(sorted(names))}")
        primary = [metric.name for metric in self.metrics if metric.primary]
        if primary != [self.protocol.metric]:
            raise ValueError(f"primary metrics are {primary}; protocol.metric names {self.protocol.metric!r}")
        is_random = self.init.kind in ("random", "from_scratch")
        if self.kind != "cited" and is_random != (self.init.weights is None):
            raise ValueError(f"init.weights is {self.init.weights!r}, which init.kind {self.init.kind!r} excludes")
        for name, path in self.artifacts.items():
            if not _is_inside(path):
                raise ValueError(f"artifacts[{name!r}] is {path!r}; expected a relative path without '..'")

    def metric(self, name: str) -> Metric | None:
        """The metric of that name, or None."""
        return next((metric for metric in self.metrics if metric.name == name), None)


class Attempt(_Part, frozen=True, kw_only=True):
    """One try at a run, whatever came of it.

    Attributes:
        run_id: Of the run that was tried.
        status: How it ended.
        error: One line, for a failed try.
        started, ended: UTC, as :attr:`Record.created`.
        task, title, init_kind, seed: As in the record it would have become, for the table's missing cells.
    """

    schema_version: int
    run_id: RunId
    status: RunStatus
    error: str | None
    started: UtcTime
    ended: UtcTime
    task: Name
    title: Name
    init_kind: InitKind
    seed: int


def utc_now() -> str:
    """The current time as records write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_inside(path: str) -> bool:
    parts = (*PurePosixPath(path).parts, *PureWindowsPath(path).parts)
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).anchor != ""
    return bool(path) and not absolute and ".." not in parts
