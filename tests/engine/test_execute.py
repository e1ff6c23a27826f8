"""A run leaves a checkpoint that anyone can read, that gives the record's metrics, and that the next run loads."""

from pathlib import Path

import pytest
import torch
from demo_case import RECIPES, request
from torch.serialization import get_safe_globals

from simmim_eval.engine.execute import CHECKPOINT_FILE, build_runner, evaluate, execute
from simmim_eval.engine.prepare import prepare
from simmim_eval.records import encode_record, parse_record
from simmim_eval.weights import read_checkpoint

SLOW = ("detection", "segmentation", "recognition")


@pytest.fixture(scope="module")
def executed(demo_root, tmp_path_factory):
    """``executed("simmim")``: the prepared run, its record and its folder; each is run once."""
    done = {}

    def once(name: str, init: str = "random"):
        if (name, init) not in done:
            run = prepare(request(name, demo_root, init))
            root = tmp_path_factory.mktemp("store")
            folder = root / "runs" / run.run_id
            done[name, init] = (run, execute(run, folder, root), folder)
        return done[name, init]

    return once


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in RECIPES])
def test_evaluating_the_checkpoint_gives_the_metrics_of_the_record(executed, tmp_path, name):
    run, record, folder = executed(name)
    torch.set_num_threads(2)  # neither that nor what is evaluated before changes a digit: a run sets one thread
    assert evaluate(run, folder / CHECKPOINT_FILE, tmp_path) == record.metrics
    assert parse_record(encode_record(record), "record") == record
    for path in record.artifacts.values():
        assert (folder.parents[1] / path).exists()


def test_a_checkpoint_is_plain_data(executed):
    run, _, folder = executed("classification")
    allowed = [one[0] if isinstance(one, tuple) else one for one in get_safe_globals()]
    assert not {one.__module__.partition(".")[0] for one in allowed} & {"mmengine", "numpy", "simmim_eval"}
    content = torch.load(folder / CHECKPOINT_FILE, weights_only=True)
    assert content["simmim_eval"]["run_id"] == run.run_id
    assert read_checkpoint(folder / CHECKPOINT_FILE).run_id == run.run_id


@pytest.mark.parametrize(("producer", "labels"), [("simmim", False), ("supervised", True)])
def test_provenance_reaches_the_next_record(executed, producer, labels):
    _, record, folder = executed(producer)
    assert (record.kind, record.init.kind, record.init.weights) == ("pretrain", "random", None)
    _, transfer, _ = executed("classification", f"{producer}={folder / CHECKPOINT_FILE}")
    assert transfer.kind == "transfer"
    provenance = transfer.init.provenance
    assert provenance.method == record.method == producer
    assert provenance.data == "demo"
    assert provenance.data_fingerprint == record.protocol.data_fingerprint != transfer.protocol.data_fingerprint
    assert provenance.labels_used is labels
    assert provenance.images_seen == record.budget.images_seen == 64
    assert provenance.resolution == 48
    assert provenance.overlap == "none"
    assert provenance.cost_seconds == record.cost.train_seconds > 0
    assert provenance.parent is None
    assert transfer.init.missing == transfer.init.unexpected == 0
    assert transfer.init.matched == len(
        [n for n in read_checkpoint(folder / CHECKPOINT_FILE).state if "backbone" in n]
    ) - (
        producer == "simmim"  # the mask token has no place in a transfer
    )


def test_a_parent_is_named(executed):
    _, _, first = executed("supervised")
    run, _, second = executed("classification", f"supervised={first / CHECKPOINT_FILE}")
    assert read_checkpoint(second / CHECKPOINT_FILE).provenance["parent"] == run.init_weights


@pytest.mark.parametrize(
    "name", ["detection", *(pytest.param(name, marks=pytest.mark.slow) for name in ("segmentation", "recognition"))]
)
def test_loading_comes_last_inside_a_whole_model(executed, demo_root, tmp_path, monkeypatch, name):
    """Detectors initialise their children after themselves, which wipes what came earlier."""
    _, _, folder = executed("simmim")
    source = folder / CHECKPOINT_FILE
    run = prepare(request(name, demo_root, f"simmim={source}"))
    runner = build_runner(run, tmp_path)
    seen = {}

    def stop(*_: object) -> None:
        seen.update({name: value.clone() for name, value in runner.model.backbone.state_dict().items()})
        raise InterruptedError

    monkeypatch.setattr(runner, "load_or_resume", stop)  # called after the weights are drawn, before the first step
    with pytest.raises(InterruptedError):
        runner.train()
    file = {name.removeprefix("backbone."): value for name, value in read_checkpoint(source).state.items()}
    report = runner.model.backbone.init_report
    assert report.counts()["matched"] > 0 and not report.missing and not report.unexpected
    same = [name for name, value in seen.items() if name in file and torch.equal(value, file[name])]
    expected = {"detection": file.keys() - {"mask_token"}, "segmentation": file.keys() - {"mask_token"}}
    if name in expected:
        assert set(same) >= {n for n in expected[name] if n in seen and not n.startswith("head")}
    else:  # a clip's first convolution and tables have a time axis
        assert len(same) > len(file) / 2
        folded = seen["patch_embed.proj.weight"].sum(dim=2)
        torch.testing.assert_close(folded, file["patch_embed.proj.weight"])


def test_the_same_seed_gives_the_same_weights(executed, demo_root, tmp_path):
    _, record, folder = executed("classification")
    torch.rand(11)  # what happened earlier in the process does not matter
    run = prepare(request("classification", demo_root))
    again = execute(run, tmp_path / "runs" / run.run_id, tmp_path)
    assert again.metrics == record.metrics
    other = read_checkpoint(tmp_path / "runs" / run.run_id / CHECKPOINT_FILE).state
    for name, value in read_checkpoint(folder / CHECKPOINT_FILE).state.items():
        assert torch.equal(value, other[name]), name


def test_progress_counts_steps_and_batches(demo_root, tmp_path):
    run = prepare(request("classification", demo_root))
    told = []
    execute(run, tmp_path / "run", tmp_path, progress=lambda *step: told.append(step))
    assert told == [("train", 1, 2), ("train", 2, 2), ("test", 1, 1)]


def test_the_record_lies_where_its_store_lies(executed):
    _, record, _ = executed("classification")
    assert all(not Path(path).is_absolute() for path in record.artifacts.values())
    assert set(record.artifacts) == {"checkpoint", "log", "predictions"}
    assert set(executed("simmim")[1].artifacts) == {"checkpoint", "log", "pictures"}
