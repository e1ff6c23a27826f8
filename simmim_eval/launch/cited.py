"""A cell that is cited instead of run, as a record that every view tells from a measured one."""

from simmim_eval.engine.batch import batch_plan
from simmim_eval.engine.execute import environment
from simmim_eval.engine.prepare import PreparedRun
from simmim_eval.files import sha256_text
from simmim_eval.launch.suite import CitedCell
from simmim_eval.records import NUMERICS_VERSION, SCHEMA_VERSION, Cost, Init, Metric, Record, canonical_json, utc_now

__all__ = ["cited_record"]


def cited_record(run: PreparedRun, cell: CitedCell) -> Record:
    """The published number of a recipe's cell, under the protocol of the recipe.

    Args:
        run: The recipe, prepared; nothing of it is run.
        cell: What was published.
    """
    spec = run.task.metrics[0]
    identity = canonical_json([run.run_id, cell.init, cell.value, cell.source])
    metric = Metric(
        name=spec.name,
        value=cell.value,
        unit=spec.unit,
        higher_is_better=spec.higher_is_better,
        floor=spec.floor,
        primary=True,
        num_samples=run.protocol.num_samples,
    )
    return Record(
        schema_version=SCHEMA_VERSION,
        run_id=sha256_text(identity)[:16],
        kind="cited",
        name=run.name,
        title=run.config.title,
        method=run.method,
        backbone=run.backbone,
        protocol=run.protocol,
        budget=run.budget,
        init_profile=run.init_profile,
        init=Init(kind=cell.init, source=cell.source, weights=None),
        seed=0,
        init_seed=None,
        precision=run.precision,
        numerics_version=NUMERICS_VERSION,
        metrics=(metric,),
        cost=Cost(seconds=0.0, train_seconds=0.0, peak_memory_mb=0.0),
        environment=environment(batch_plan(run.config, 1)),
        created=utc_now(),
    )
