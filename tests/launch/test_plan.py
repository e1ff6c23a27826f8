"""What a suite's config says, and the runs that come of it; nothing is trained."""

import pytest
from demo_case import FEW, RECIPES
from msgspec.structs import replace

from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import ConfigError, DataError
from simmim_eval.launch.plan import plan_suite
from simmim_eval.launch.suite import Arm, CitedCell, Pretraining, Suite, read_suite

CLASSIFICATION = RECIPES["classification"]
ARM = Arm(
    transfer=(CLASSIFICATION,),
    pretraining={kind: Pretraining(RECIPES[kind]) for kind in ("simmim", "supervised")},
)


def with_arm(suite, **changes):
    return replace(suite, arms=(replace(suite.arms[0], **changes),))


@pytest.fixture(scope="module")
def suite():
    return Suite(title="t", arms=(ARM,), inits=("random", "supervised", "simmim"), path="suites/demo.py")


@pytest.fixture(scope="module")
def plan(suite, demo_root):
    return plan_suite(suite, demo_root, 2, FEW)


def test_the_demo_suite_is_the_whole_matrix():
    suite = read_suite("suites/demo.py")
    (arm,) = suite.arms
    assert set(arm.transfer) == {RECIPES[t] for t in ("classification", "detection", "segmentation", "recognition")}
    assert arm.pretraining == ARM.pretraining
    assert suite.inits == ("random", "supervised", "simmim") and (suite.seeds, suite.pretraining_seeds) == (1, 1)


def test_labels_say_what_a_run_is(plan):
    assert [run.label for run in plan] == [
        "pre-training: supervised",
        "pre-training: simmim",
        *(f"classification from {kind}, seed {seed}" for seed in (0, 1) for kind in ("random", "supervised", "simmim")),
    ]
    assert [run.task for run in plan] == ["classification", "pretraining"] + 6 * ["classification"]
    assert {run.title for run in plan} == {"Swin-nano"}


def test_a_transfer_needs_the_pretraining_of_its_kind(plan):
    supervised, simmim = plan[0].run_id, plan[1].run_id
    assert [run.needs for run in plan] == 2 * [()] + 2 * [(), (supervised,), (simmim,)]
    assert all(need in {earlier.run_id for earlier in plan[:i]} for i, run in enumerate(plan) for need in run.needs)


def test_every_run_has_an_id_of_its_own_that_its_request_gives_again(plan):
    assert len({run.run_id for run in plan}) == len(plan) == 8
    for run in plan[:5]:
        assert prepare(run.request).run_id == run.run_id


def test_equal_pretraining_and_one_recipe_a_column(plan):
    supervised, simmim, *transfers = (prepare(run.request) for run in plan)
    assert supervised.budget.images_seen == simmim.budget.images_seen
    assert supervised.protocol.data_fingerprint == simmim.protocol.data_fingerprint
    assert supervised.backbone.name == simmim.backbone.name
    for part in ("protocol", "budget", "init_profile", "backbone"):
        assert len({str(getattr(run, part)) for run in transfers}) == 1, part
    assert {run.request.seed for run in transfers} == {0, 1}


def test_more_seeds_keep_the_ids_of_the_first(plan, suite, demo_root):
    assert [run.run_id for run in plan_suite(suite, demo_root, 1, FEW)] == [run.run_id for run in plan[:5]]


def test_another_pretraining_changes_only_what_comes_from_it(plan, suite, demo_root):
    other = plan_suite(suite, demo_root, 1, FEW | {"train_dataloader.dataset.split": "val"})
    assert not {run.run_id for run in other} & {run.run_id for run in plan}
    swapped = with_arm(suite, pretraining={**ARM.pretraining, "simmim": Pretraining(RECIPES["supervised"])})
    changed = [run.run_id for run in plan_suite(swapped, demo_root, 1, FEW)]
    kept = [run.run_id for run in plan[:5]]
    assert changed[:3] == [kept[0], kept[2], kept[3]]  # one run gives both kinds of weights
    assert len(changed) == 4 and changed[3] not in kept


def test_a_fault_stops_the_planning(suite, demo_root, tmp_path):
    with pytest.raises(DataError):
        plan_suite(suite, tmp_path / "absent", 1, FEW)
    with pytest.raises(ConfigError, match="modle"):
        plan_suite(suite, demo_root, 1, {"modle": 1})
    with pytest.raises(ConfigError, match="no such config"):
        plan_suite(with_arm(suite, transfer=("classification/none.py",)), demo_root, 1, FEW)


def test_a_second_stage_starts_from_the_first(suite, demo_root):
    """SimMIM, then labels: the fine-tuning that a column has anyway, not run twice, and not transferred to itself."""
    both = {**ARM.pretraining, "simmim+supervised": Pretraining(CLASSIFICATION, "simmim")}
    suite = with_arm(suite, pretraining=both, transfer=(CLASSIFICATION, RECIPES["segmentation"]))
    runs = plan_suite(replace(suite, inits=("simmim", "simmim+supervised")), demo_root, 1, FEW)
    first, second = runs[:2]
    assert (second.needs, second.request.init.kind) == ((first.run_id,), "simmim")
    assert [(run.task, run.request.init.kind, run.needs) for run in runs[2:]] == [
        ("segmentation", "simmim", (first.run_id,)),
        ("segmentation", "simmim+supervised", (second.run_id,)),
    ]


def test_every_pretraining_seed_has_its_transfers(suite, demo_root):
    runs = plan_suite(replace(suite, pretraining_seeds=2, inits=("random", "simmim")), demo_root, None, FEW)
    made, transfers = runs[:2], runs[2:]
    assert [run.request.seed for run in made] == [0, 1]
    assert [(run.request.init.kind, run.request.init_seed, run.needs) for run in transfers] == [
        ("random", None, ()),
        ("simmim", 0, (made[0].run_id,)),
        ("simmim", 1, (made[1].run_id,)),
    ]
    assert len({run.label for run in runs}) == len(runs)


def test_a_cited_cell_is_a_record_and_no_run(suite, demo_root):
    cell = CitedCell(CLASSIFICATION, "supervised", 83.5, "https://example.org/README")
    runs = plan_suite(with_arm(suite, cited=(cell,)), demo_root, 2, FEW)
    (cited,) = [run for run in runs if run.cited]
    assert len(runs) == 2 + 1 + 2 * 2
    record = cited.cited
    assert (record.kind, record.metric("top1").value, record.init.source) == ("cited", 83.5, cell.source)
    assert record.protocol == prepare(runs[-1].request).protocol and record.run_id == cited.run_id


def test_a_given_checkpoint_goes_before_a_pretraining(suite, demo_root, tmp_path):
    from torch import save

    from simmim_eval.backbones import Swin

    file = tmp_path / "simmim.pth"
    save({"state_dict": {f"backbone.{k}": v for k, v in Swin("nano").state_dict().items()}}, file)
    runs = plan_suite(with_arm(suite, checkpoints={"simmim": str(file)}), demo_root, 1, FEW)
    assert [run.label for run in runs if not run.needs][:1] == ["pre-training: supervised"]
    assert [run.request.init.source for run in runs if run.request.init.kind == "simmim"] == [str(file)]


def test_two_data_sets_lie_below_one_root(suite, demo_root):
    suite = replace(suite, data={"demo": demo_root.name}, inits=("random",))
    assert plan_suite(suite, demo_root.parent, 1, FEW)[0].request.data_root == demo_root


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("title = 1", ["`str`", "title"]),
        ("inits = ['simim']", ["'simim'", "inits[0]"]),
        ("inits = ['other_ssl']", ["no weights for 'other_ssl'", "arms[0]"]),
        ("epochs = 3", ["epochs"]),
        ("pretraining_seeds = 0", ["pretraining_seeds"]),
        ("arms = []", ["arms"]),
        ("arms = [dict(transfer=[])]", ["no weights for 'supervised'"]),
        ("arms[0]['cited'] = [dict(recipe='a.py', init='simmim', value=1.0, source='b')]", ["a.py", "transfer"]),
        ("arms[0]['pretraining']['simmim']['init'] = 'simmim'", ["start from itself"]),
    ],
)
def test_a_wrong_suite(line, words, tmp_path):
    path = tmp_path / "suite.py"
    arm = (
        f"dict(transfer=[{CLASSIFICATION!r}], pretraining=dict("
        + ", ".join(f"{kind}=dict(recipe={RECIPES[kind]!r})" for kind in ("simmim", "supervised"))
        + "))"
    )
    path.write_text(f"title = 't'\narms = [{arm}]\ninits = ['random', 'supervised', 'simmim']\n{line}\n")
    with pytest.raises(ConfigError) as fault:
        read_suite(str(path))
    for word in (str(path), *words):
        assert word in str(fault.value)


def test_a_given_checkpoint_needs_one_arm():
    with pytest.raises(ConfigError, match="3 arms"):
        read_suite("suites/demo_full.py", {"simmim": "a.pth"})
    assert read_suite("suites/demo.py", {"simmim": "a.pth"}).arms[0].checkpoints == {"simmim": "a.pth"}
