"""pretrain, transfer and evaluate, and what they tell."""

import re

from demo_case import RECIPES, STEPS

from simmim_eval.results.store import Store

FEW = ["--cfg-options", f"train_cfg.max_iters={STEPS}"]


def artifact(outcome, name):
    (path,) = re.findall(rf"^{name} +(\S+)$", outcome.out, re.MULTILINE)
    return path


def numbers(outcome):
    return [line for line in outcome.out.splitlines() if re.match(r"(top\d|hidden_l1) ", line)]


def test_pretraining_then_a_transfer_from_it(cli, transfer, demo_root, tmp_path):
    first = cli("pretrain", RECIPES["simmim"], "--data-root", demo_root, "--work-dir", tmp_path / "pretrain", *FEW)
    assert (first.code, first.err) == (0, "")
    assert len(numbers(first)) == 1
    (producer,) = Store(tmp_path / "pretrain").records()
    assert artifact(first, "record").endswith(f"records/{producer.run_id}.json")
    assert artifact(first, "pictures").endswith("reconstructions.png")

    second = transfer("classification", "--seed", 3, init=f"simmim={artifact(first, 'checkpoint')}")
    assert second.code == 0
    (record,) = Store(tmp_path / "work").records()
    assert (record.seed, record.init.kind, record.init.provenance.method) == (3, "simmim", "simmim")
    assert record.init.matched > 0


def test_evaluating_tells_what_the_run_told(cli, transfer, demo_root, tmp_path):
    outcome = transfer("classification")
    assert len(numbers(outcome)) == 2 and "(floor 20)" in numbers(outcome)[0]
    arguments = ["--data-root", demo_root]
    again = cli("evaluate", artifact(outcome, "checkpoint"), *arguments)
    assert (again.code, numbers(again)) == (0, numbers(outcome))
    stated = cli("evaluate", artifact(outcome, "checkpoint"), *arguments, "--config", RECIPES["classification"])
    assert numbers(stated) == numbers(outcome)
    other_split = cli("evaluate", artifact(outcome, "checkpoint"), *arguments, "--split", "tune")
    assert "over 10 images" in numbers(other_split)[0]


def test_demo_data_are_made_once(cli, demo_root, tmp_path):
    assert cli("data", "make-demo", demo_root, "--scale", "0.02").code == 0  # it is there already
    cli("data", "make-demo", demo_root, "--scale", "0.5").refuses(demo_root, "Remove it or give another folder")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    cli("data", "make-demo", tmp_path / "mine").refuses(tmp_path / "mine", "empty folder")
