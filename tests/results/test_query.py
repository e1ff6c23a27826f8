"""From records to the table: what stands in a cell, what may stand beside it, and what is said about it."""

import itertools
from pathlib import Path

import msgspec
import pytest
from scipy import stats

from simmim_eval.errors import RecordError
from simmim_eval.records import Attempt, Metric, Protocol, Provenance, read_record, record_id
from simmim_eval.results import ColumnSpec, Store, query

DATA = Path(__file__).parents[1] / "data" / "records"
TRANSFER, PRETRAIN = (read_record(DATA / f"v1_{name}.json") for name in ("transfer", "pretrain"))
replace = msgspec.structs.replace

CLASSIFICATION = ColumnSpec("classification", "top1", "top-1")
COLUMNS = (CLASSIFICATION, ColumnSpec("detection", "box_ap", "box AP"), ColumnSpec("detection", "mask_ap", "mask AP"))
COST = {"simmim": 86.0, "supervised": 75.0}


def sealed(record, **changes):
    record = replace(record, **changes)
    return replace(record, run_id=record_id(record))


def pretraining(kind, seed=0):
    return sealed(PRETRAIN, method=kind, seed=seed)


def transfer(kind, task="classification", value=44.1, seed=0, init_seed=0, **changes):
    """A transfer run of the demo suite, from a pre-training with ``init_seed`` (none for random)."""
    record = TRANSFER
    if task == "classification":
        top1 = Metric(
            name="top1",
            value=value,
            unit="%",
            higher_is_better=True,
            floor=20.0,
            primary=True,
            num_samples=700,
            std_error=1.9,
            std_error_over="images",
            std_error_method="binomial",
        )
        protocol = Protocol(
            task=task,
            task_version=1,
            data="demo-imagenet",
            data_fingerprint="f",
            split="val",
            num_samples=700,
            metric="top1",
        )
        record = replace(record, protocol=protocol, metrics=(top1,))
    else:
        box, mask = record.metrics
        record = replace(record, metrics=(replace(box, value=value), replace(mask, value=value - 1)))
    if kind in ("random", "from_scratch"):
        init = replace(record.init, kind=kind, source=kind, weights=None, provenance=None)
        return sealed(record, init=init, seed=seed, init_seed=None, **changes)
    producer = pretraining(kind, init_seed).run_id
    origin = replace(
        record.init.provenance, method=kind, labels_used=kind == "supervised", cost_seconds=COST.get(kind, 10.0)
    )
    init = replace(record.init, kind=kind, source=f"run:{producer}", weights=producer, provenance=origin)
    return sealed(record, init=init, seed=seed, init_seed=init_seed, **changes)


@pytest.fixture
def ask(tmp_path):
    """Write records into a store and ask for the demo's table."""
    numbers = itertools.count()

    def ask(*records, attempts=(), columns=COLUMNS, **question):
        store = Store(tmp_path / str(next(numbers)))
        for record in records:
            store.add(record)
        for attempt in attempts:
            store.add_attempt(attempt)
        return query(store, columns=columns, title="Demo suite", reproduce="simmim-eval suite run x.py", **question)

    return ask


def demo(seeds=(0,), **values):
    kinds = {"random": 40.1, "supervised": 48.2, "simmim": 44.1} | values
    return [
        transfer(kind, task, value + 0.7 * seed * seed, seed, seed)
        for kind, value in kinds.items()
        for task in ("classification", "detection")
        for seed in seeds
    ]


def test_the_shape_of_the_design(ask):
    table = ask(pretraining("simmim"), pretraining("supervised"), *demo(), caption="not evidence", notes=["few photos"])
    assert table.heading == "Demo suite · Swin-nano · n = 1 (± over images, no verdict) · not evidence"
    assert [row.label for row in table.rows] == ["random", "supervised", "SimMIM"]
    assert [row.pretraining for row in table.rows] == ["–", "28.8k images, labels", "28.8k images"]
    assert [row.cost_seconds for row in table.rows] == [None, 75.0, 86.0]
    assert [(column.title, column.floor, column.unit) for column in table.columns] == [
        ("top-1", 20.0, "%"),
        ("box AP", 0.0, "points"),
        ("mask AP", 0.0, "points"),
    ]
    simmim = table.rows[2].cells
    assert [cell.value for cell in simmim] == pytest.approx([44.1, 44.1, 43.1])
    assert [(cell.std_error, cell.n, cell.over) for cell in simmim[:2]] == [(1.9, 1, "images"), (0.61, 1, "images")]
    assert table.footer == (
        "floor in brackets · reproduce: simmim-eval suite run x.py · "
        "8 records (2 pre-trainings, 6 transfers), one protocol a column"
    )
    assert table.notes[0] == "few photos"
    assert "top-1: binomial; box AP, mask AP: bootstrap, 200 resamples" in table.notes[1]


def test_one_run_each_gives_differences_but_no_verdict(ask):
    table = ask(*demo())
    found = {(one.row, one.baseline, one.column): one for one in table.differences}
    assert set(found) == {(i, k, j) for i, k in [(1, 0), (2, 1), (2, 0)] for j in range(3)}
    assert found[2, 1, 0].value == pytest.approx(44.1 - 48.2)
    assert all(one.verdict is None and one.low is None and one.n == 1 for one in table.differences)


def test_over_seeds_value_error_and_interval_are_scipys(ask):
    values = {"random": [40.0, 42.0, 41.0], "simmim": [44.0, 43.0, 46.0]}
    records = [transfer(kind, value=v, seed=s, init_seed=s) for kind in values for s, v in enumerate(values[kind])]
    table = ask(*records, columns=[CLASSIFICATION])
    cell = table.rows[1].cells[0]
    assert cell.value == pytest.approx(44 + 1 / 3)
    assert cell.std_error == pytest.approx(stats.sem(values["simmim"]))
    assert (cell.n, cell.over, cell.method) == (3, "pre-training seeds", None)
    (difference,) = table.differences
    interval = stats.ttest_rel(values["simmim"], values["random"]).confidence_interval()
    assert (difference.low, difference.high) == pytest.approx(tuple(interval))
    assert (difference.n, difference.verdict) == (3, "not distinguishable")
    meaning = "n = 3 (± standard error over fine-tuning seeds (random) and pre-training seeds (SimMIM))"
    assert table.heading.endswith(meaning) and not table.n_varies
    assert any("not corrected for the number of comparisons" in note for note in table.notes)


def test_seeds_of_one_pretraining_say_so(ask):
    records = [transfer(kind, value=40 + s, seed=s) for kind in ("supervised", "simmim") for s in range(2)]
    table = ask(*records, columns=[CLASSIFICATION])
    assert "n = 2 (± standard error over fine-tuning seeds)" in table.heading
    assert [cell.over for row in table.rows for cell in row.cells] == ["fine-tuning seeds"] * 2
    assert "SimMIM: conditional on one pre-training run" in table.notes


def test_runs_of_one_pretraining_do_not_count_as_independent(ask):
    values = {0: [40.0, 42.0], 1: [45.0, 47.0], 2: [50.0, 49.0]}
    records = [transfer("simmim", value=v, seed=s, init_seed=i) for i in values for s, v in enumerate(values[i])]
    cell = ask(*records, columns=[CLASSIFICATION]).rows[0].cells[0]
    assert (cell.n, cell.over, len(cell.run_ids)) == (3, "pre-training seeds", 6)
    assert cell.std_error == pytest.approx(stats.sem([41.0, 46.0, 49.5]))


def test_only_shared_seeds_are_paired(ask):
    records = [transfer("random", value=40.0 + s, seed=s) for s in (0, 1, 2)]
    records += [transfer("simmim", value=50.0 - s, seed=s) for s in (1, 2, 3)]
    (difference,) = ask(*records, columns=[CLASSIFICATION]).differences
    assert difference.n == 2
    assert difference.value == pytest.approx(((49 - 41) + (48 - 42)) / 2)


@pytest.mark.parametrize(
    ("part", "change", "field"),
    [
        ("protocol", {"split": "tune"}, "protocol.split (tune, not val)"),
        ("protocol", {"num_samples": 699}, "protocol.num_samples (699, not 700)"),
        ("protocol", {"evaluation": {"crop": 1}}, "protocol.evaluation.crop (1, not absent)"),
        ("budget", {"iterations": 100}, "budget.iterations (100, not 200)"),
        ("budget", {"recipe": "0" * 64}, "budget.recipe"),
        ("budget", {"tuning_trials": 5}, "budget.tuning_trials"),
        ("init_profile", {"layer_decay": 1.0}, "init_profile.layer_decay (1.0, not 0.9)"),
        ("init_profile", {"window_size": 7}, "init_profile.window_size"),
    ],
)
def test_a_record_that_departs_is_refused_or_marked(ask, part, change, field):
    simmim = transfer("simmim")
    odd = sealed(simmim, **{part: replace(getattr(simmim, part), **change)})
    records = [transfer("random"), transfer("supervised"), odd]
    with pytest.raises(RecordError) as caught:
        ask(*records, columns=[CLASSIFICATION])
    assert odd.run_id in str(caught.value) and "'top-1'" in str(caught.value) and field in str(caught.value)

    table = ask(*records, columns=[CLASSIFICATION], on_departure="mark")
    assert [bool(row.cells[0].mark) for row in table.rows] == [False, False, True]
    assert [(one.row, one.baseline) for one in table.differences] == [(1, 0)], "a marked cell is not compared"
    assert any(note.startswith("* SimMIM, top-1: departs in " + field) for note in table.notes)
    assert "one protocol a column" not in table.footer


@pytest.mark.parametrize("change", [{"precision": "amp-bf16"}, {"numerics_version": 2}])
def test_numerics_have_to_be_equal_too(ask, change):
    with pytest.raises(RecordError, match=next(iter(change))):
        ask(transfer("random"), transfer("supervised"), transfer("simmim", **change), columns=[CLASSIFICATION])


def test_a_floor_of_its_own_is_refused(ask):
    odd = transfer("simmim")
    odd = replace(odd, metrics=(replace(odd.metrics[0], floor=10.0),))
    with pytest.raises(RecordError, match=r"metrics\.top1\.floor \(10\.0, not 20\.0\)"):
        ask(transfer("random"), transfer("supervised"), odd, columns=[CLASSIFICATION])


def test_unlike_runs_are_never_averaged(ask):
    odd = transfer("simmim", seed=1)
    odd = sealed(odd, budget=replace(odd.budget, iterations=100))
    with pytest.raises(RecordError, match=r"they differ in budget\.iterations \(100, not 200\)"):
        ask(transfer("simmim"), odd, columns=[CLASSIFICATION], on_departure="mark")


def test_the_same_seed_twice_is_named(ask):
    one = transfer("simmim", init_seed=0)
    other = sealed(one, init=replace(one.init, source="/tmp/other.pth", weights="other"))
    with pytest.raises(RecordError, match=r"same seed 0 twice, from .* Filter"):
        ask(one, other, columns=[CLASSIFICATION])


def test_two_backbones_may_have_two_recipes(ask):
    def wide(record):
        budget = replace(record.budget, recipe="1" * 64)
        return sealed(record, title="Swin-tiny", backbone=replace(record.backbone, arch="tiny"), budget=budget)

    records = [transfer(kind) for kind in ("random", "simmim")]
    table = ask(*records, *map(wide, records), columns=[CLASSIFICATION])
    assert [(row.backbone, row.init) for row in table.rows] == [
        ("Swin-nano", "random"),
        ("Swin-nano", "simmim"),
        ("Swin-tiny", "random"),
        ("Swin-tiny", "simmim"),
    ]
    assert [(one.row, one.baseline) for one in table.differences] == [(1, 0), (3, 2)], "never across backbones"


def test_two_files_of_one_kind_are_two_rows_named_by_their_source(ask):
    files = []
    for name in ("a.pth", "b.pth"):
        init = replace(transfer("supervised").init, source=name, weights=name, provenance=Provenance())
        files.append(sealed(transfer("supervised"), init=init, init_seed=None))
    table = ask(*files, columns=[CLASSIFICATION])
    assert [row.label for row in table.rows] == ["supervised (a.pth)", "supervised (b.pth)"]
    assert table.rows[0].pretraining == "unknown images, labels unknown" and table.rows[0].cost_seconds is None
    assert "supervised: overlap of its pre-training with the evaluation data: unknown" in table.notes


def test_steps_of_pretraining_add_up(ask):
    first = pretraining("simmim")
    second = sealed(PRETRAIN, kind="pretrain", method="supervised", init=transfer("simmim").init)
    last = transfer("simmim+supervised")
    origin = replace(last.init.provenance, labels_used=True, cost_seconds=75.0, parent=first.run_id)
    init = replace(last.init, weights=second.run_id, provenance=origin)
    last = sealed(last, init=init)
    (row,) = ask(first, second, last, columns=[CLASSIFICATION]).rows
    assert (row.label, row.cost_seconds) == ("SimMIM + supervised", 161.0)
    assert row.pretraining == "28.8k images + 28.8k images, labels"
    table = ask(last, columns=[CLASSIFICATION])
    assert table.rows[0].cost_seconds is None and table.rows[0].pretraining.startswith("unknown + 28.8k")
    assert "1 record (0 pre-trainings, 1 transfer)" in table.footer


def test_missing_cells_say_why(ask):
    failed = transfer("simmim", "detection")
    attempt = Attempt(
        schema_version=1,
        run_id=failed.run_id,
        status="failed",
        error="DataError: x.jpg is truncated",
        started="2026-01-01T00:00:00Z",
        ended="2026-01-01T00:00:01Z",
        task="detection",
        title="Swin-nano",
        init_kind="simmim",
        seed=0,
    )
    half = replace(transfer("supervised", "detection"), metrics=transfer("supervised", "detection").metrics[:1])
    records = [transfer("simmim"), transfer("supervised"), half]
    first = replace(attempt, status="interrupted", error=None, ended="2026-01-01T00:00:00Z")
    table = ask(*records, attempts=[first, attempt], inits=["random"])
    reasons = {row.init: [cell.missing for cell in row.cells] for row in table.rows}
    assert reasons["random"] == ["no record"] * 3
    assert reasons["supervised"] == [None, None, f"record {half.run_id} has no metric mask_ap"]
    assert reasons["simmim"] == [None, *[f"run {failed.run_id} failed: DataError: x.jpg is truncated"] * 2]
    assert f"– SimMIM, box AP: {reasons['simmim'][1]}" in table.notes

    table = ask(*records, transfer("simmim", "detection", seed=1), attempts=[attempt])
    assert table.rows[1].cells[1].missing is None
    assert any("simmim, detection, seed 0: run" in note and "truncated" in note for note in table.notes)


def test_a_metric_that_only_some_seeds_have_is_named(ask):
    half = replace(transfer("simmim", "detection"), metrics=transfer("simmim", "detection").metrics[:1])
    with pytest.raises(RecordError, match=f"{half.run_id}: has no metric mask_ap"):
        ask(half, transfer("simmim", "detection", seed=1))


def test_filters(ask):
    records = demo(seeds=(0, 1))
    assert [row.init for row in ask(*records, filters={"init.kind": ["random", "simmim"]}).rows] == ["random", "simmim"]
    uneven = ask(*records, filters={"seed": 0, "protocol.task": "detection"}, columns=COLUMNS[1:])
    assert "n = 1 (" in uneven.heading
    assert {cell.n for row in ask(*records, filters={"seed": 0}).rows for cell in row.cells} == {1}
    with pytest.raises(RecordError, match=r"filter protocol\.splt: .*did you mean protocol\.split"):
        ask(*records, filters={"protocol.splt": "val"})
    with pytest.raises(RecordError, match="no transfer record of classification, detection matches"):
        ask(*records, filters={"protocol.split": "test"})
    with pytest.raises(RecordError, match="no transfer record"):
        ask(PRETRAIN)


def cited(kind, value):
    record = transfer(kind)
    init = replace(record.init, source="https://example.org/README", weights=None, provenance=None)
    metrics = (replace(record.metrics[0], value=value, std_error=None, std_error_over=None, std_error_method=None),)
    return sealed(record, kind="cited", init=init, metrics=metrics, precision="amp-bfloat16")


def test_a_cited_number_stands_beside_measured_ones_and_is_compared_with_nothing(ask):
    table = ask(
        transfer("random"),
        transfer("supervised", "detection"),
        cited("supervised", 83.5),
        transfer("simmim", seed=0),
        transfer("simmim", seed=1),
    )
    assert [row.init for row in table.rows] == ["random", "supervised", "simmim"]
    cell, box = table.rows[1].cells[:2]
    assert (cell.value, cell.n, cell.std_error, cell.cited) == (83.5, 0, None, "https://example.org/README")
    assert box.value is not None and box.cited is None
    assert not [one for one in table.differences if one.column == 0 and 1 in (one.row, one.baseline)]
    assert "† supervised, top-1: cited, not measured here (https://example.org/README)" in table.notes
    assert "0 to" not in table.heading


def test_a_run_goes_before_a_cited_number(ask):
    table = ask(transfer("random", value=40.0), cited("random", 83.5), columns=[CLASSIFICATION])
    assert [(cell.value, cell.cited) for row in table.rows for cell in row.cells] == [(40.0, None)]


def test_a_row_may_be_cited_alone(ask):
    table = ask(transfer("random"), cited("supervised", 83.5), columns=[CLASSIFICATION])
    assert [(row.init, row.cells[0].cited is None) for row in table.rows] == [("random", True), ("supervised", False)]


def test_several_stores_are_one_and_may_not_disagree(tmp_path):
    one, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    one.add(transfer("random"))
    other.add(transfer("random"))
    other.add(transfer("simmim"))
    question = dict(columns=[CLASSIFICATION], title="t", reproduce="r")
    assert [row.cells[0].n for row in query([one, other], **question).rows] == [1, 1]
    one.add(transfer("simmim", value=1.0))
    with pytest.raises(RecordError, match="another store holds the same run with another outcome"):
        query([one, other], **question)


def test_weights_that_come_from_a_column_show_their_own_number_there(ask):
    """SimMIM, then supervised on the column's labels: that run is the cell, and is compared with nothing."""
    fine_tuned = transfer("simmim", value=84.0)
    origin = replace(fine_tuned.init.provenance, parent=fine_tuned.init.weights)
    init = replace(
        fine_tuned.init, kind="simmim+supervised", source=f"run:{fine_tuned.run_id}", weights=fine_tuned.run_id
    )
    box = transfer("simmim", "detection")
    box = sealed(box, init=replace(init, provenance=origin), init_seed=0)
    table = ask(pretraining("simmim"), fine_tuned, transfer("simmim", "detection"), box)
    row = next(row for row in table.rows if row.init == "simmim+supervised")
    assert (row.cells[0].value, row.cells[0].run_ids) == (84.0, (fine_tuned.run_id,))
    assert "nothing was fine-tuned" in row.cells[0].mark
    assert not [one for one in table.differences if table.rows[one.row] is row and one.column == 0]
    assert table.footer.endswith("4 records (1 pre-training, 3 transfers), one protocol a column")


def test_weights_from_another_data_set_show_nothing(ask):
    elsewhere = transfer("simmim", value=84.0)
    elsewhere = sealed(elsewhere, protocol=replace(elsewhere.protocol, data="other"))
    init = replace(elsewhere.init, kind="simmim+supervised", source=f"run:{elsewhere.run_id}", weights=elsewhere.run_id)
    box = sealed(transfer("simmim", "detection"), init=init)
    table = ask(transfer("random"), elsewhere, box, filters={"init.kind": ["random", "simmim+supervised"]})
    row = next(row for row in table.rows if row.init == "simmim+supervised")
    assert row.cells[0].missing == "no record"
