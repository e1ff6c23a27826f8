"""What initial weights are, and what they cost, in the words of a table's row."""

from collections.abc import Mapping, Sequence

from simmim_eval.records import Init, InitKind, Provenance, Record

__all__ = ["ancestors", "init_label", "kind_label", "overlap", "pretraining_cost", "pretraining_text", "row_key"]

NONE = "–"
_LABELS: dict[InitKind, str] = {
    "random": "random",
    "supervised": "supervised",
    "simmim": "SimMIM",
    "simmim+supervised": "SimMIM + supervised",
    "other_ssl": "other self-supervised",
    "from_scratch": "from scratch",
}


def row_key(record: Record) -> tuple[object, ...]:
    """Equal for records that belong into one row: seeds may differ, what was pre-trained on what may not."""
    origin = record.init.provenance or Provenance()
    known = (origin.method, origin.data, origin.labels_used, origin.images_seen, origin.resolution)
    weights = record.init.weights if record.init_seed is None else None
    return (record.title, record.init.kind, known, weights)


def init_label(init: Init) -> str:
    """Name of the row: that of the kind, or of the method for other self-supervised weights."""
    if init.kind == "other_ssl" and init.provenance is not None:
        return init.provenance.method
    return kind_label(init.kind)


def kind_label(kind: InitKind) -> str:
    """A kind of initialisation as tables write it."""
    return _LABELS[kind]


def pretraining_text(init: Init, producers: Mapping[str, Record]) -> str:
    """What the weights have seen, first step first: ``28.8k images + 28.8k images, labels``; ``–`` for random ones.

    Args:
        init: Of a run that starts from the weights.
        producers: Pre-training records by run id.
    """
    origin = init.provenance
    if origin is None:
        return NONE if init.kind in ("random", "from_scratch") else "unknown"
    images = "unknown" if origin.images_seen == "unknown" else _short(origin.images_seen)
    labels = {True: ", labels", False: "", "unknown": ", labels unknown"}[origin.labels_used]
    producer = producers.get(init.weights or "")
    if producer is not None and producer.init.weights is not None:
        return f"{pretraining_text(producer.init, producers)} + {images} images{labels}"
    return f"{'unknown + ' if producer is None and origin.parent else ''}{images} images{labels}"


def pretraining_cost(records: Sequence[Record], producers: Mapping[str, Record]) -> float | None:
    """Seconds that the weights of a row cost, all steps; mean over different weights; None if one is not known."""
    inits = {record.init.weights: record.init for record in records}
    costs = [_cost(init, producers) for init in inits.values()]
    known = [cost for cost in costs if cost is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None


def ancestors(records: Sequence[Record], producers: Mapping[str, Record]) -> set[str]:
    """Ids of all pre-training records that the weights of ``records`` come from."""
    found: set[str] = set()
    waiting = {record.init.weights for record in records}
    while waiting:
        producer = producers.get(waiting.pop() or "")
        if producer is not None and producer.run_id not in found:
            found.add(producer.run_id)
            waiting.add(producer.init.weights)
    return found


def overlap(records: Sequence[Record]) -> str | None:
    """What the pre-training has seen of the evaluation data, unless that is nothing."""
    seen = {record.init.provenance.overlap if record.init.provenance else "unknown" for record in records}
    return ", ".join(sorted(seen)) if seen != {"none"} else None


def _cost(init: Init, producers: Mapping[str, Record]) -> float | None:
    if init.provenance is None or init.provenance.cost_seconds == "unknown":
        return None
    own = init.provenance.cost_seconds
    producer = producers.get(init.weights or "")
    if producer is None:
        return own if init.provenance.parent is None else None
    if producer.init.weights is None:
        return own
    earlier = _cost(producer.init, producers)
    return None if earlier is None else own + earlier


def _short(count: int) -> str:
    for size, suffix in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + suffix
    return str(count)
