"""Which run a record belongs to, and when two records say the same."""

import json
from typing import Any, TypeVar

import msgspec

from simmim_eval.files import sha256_text
from simmim_eval.records.schema import BackboneSpec, Budget, InitKind, InitProfile, Protocol, Record

__all__ = ["NUMERICS_VERSION", "canonical_json", "equal_records", "record_id", "run_id"]

NUMERICS_VERSION = 2
"""Raise it in the change after which the same run gives other numbers."""

_BESIDE_THE_POINT = ("name", "title", "cost", "environment", "created", "artifacts")

_Part = TypeVar("_Part", bound=msgspec.Struct)


def run_id(
    *,
    protocol: Protocol,
    budget: Budget,
    init_profile: InitProfile,
    backbone: BackboneSpec,
    method: str,
    init_kind: InitKind,
    init_weights: str | None,
    seed: int,
    init_seed: int | None,
    precision: str = "fp32",
    numerics_version: int = NUMERICS_VERSION,
) -> str:
    """16 hexadecimal digits that are the same for the same run on any machine.

    All that may change a number enters; paths, workers, devices and times do not. It can be told before the run:
    inside a suite ``init_weights`` is the run id of the producer.

    Args:
        protocol: What is measured.
        budget: What may be spent.
        init_profile: Settings that may follow the initialisation.
        backbone: Name and architecture.
        method: What the run trains by.
        init_kind: Kind of the initial weights.
        init_weights: Identity of the initial weights, None for random ones.
        seed: Of this run.
        init_seed: Seed of the producer of the initial weights.
        precision: ``fp32``, ``amp-float16`` or ``amp-bfloat16``.
        numerics_version: Of the code.
    """
    identity = {
        "protocol": _plain(protocol),
        "budget": _plain(budget),
        "init_profile": _plain(init_profile),
        "backbone": _plain(backbone),
        "method": method,
        "init": {"kind": init_kind, "weights": init_weights},
        "seed": seed,
        "init_seed": init_seed,
        "precision": precision,
        "numerics_version": numerics_version,
    }
    return sha256_text(canonical_json(identity))[:16]


def record_id(record: Record) -> str:
    """The :func:`run_id` that the content of ``record`` asks for."""
    return run_id(
        protocol=record.protocol,
        budget=record.budget,
        init_profile=record.init_profile,
        backbone=record.backbone,
        method=record.method,
        init_kind=record.init.kind,
        init_weights=record.init.weights,
        seed=record.seed,
        init_seed=record.init_seed,
        precision=record.precision,
        numerics_version=record.numerics_version,
    )


def equal_records(one: Record, other: Record) -> bool:
    """Whether two records report the same run with the same outcome.

    Cost (that of the initial weights included), environment, time, labels and paths are beside the point.
    """
    return canonical_json(_content(one)) == canonical_json(_content(other))


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; NaN and infinity are a ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _content(record: Record) -> dict[str, Any]:
    content = _plain(record)
    for name in _BESIDE_THE_POINT:
        del content[name]
    del content["init"]["source"]
    if content["init"]["provenance"] is not None:
        del content["init"]["provenance"]["cost_seconds"]
    return content


def _plain(part: msgspec.Struct) -> dict[str, Any]:
    """Plain data after one trip through JSON types, so that 1 and 1.0 agree where the field is a float."""
    builtins = msgspec.to_builtins(part)
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.convert(builtins, type(part)))
    return plain
