"""``simmim-eval plan`` on the command line: what it says, how wide, and whom it refuses."""

import re

import pytest

RECIPE = "classification/cls_swin-nano_1xb32-250i_demo.py"
DETECTION = "detection/mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py"
SUITE = "suites/demo.py"


def words(text):
    return " ".join(text.split())


def narrow(text):
    assert max(map(len, text.splitlines())) <= 100
    return words(text)


def test_a_recipe(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("plan", RECIPE, "--processes", 4, "--tflops", 0.01, "--init", "random")
    assert outcome.code == 0, outcome.err
    said = narrow(outcome.out)
    for fact in (
        "classification, Swin-nano, demo",
        "504,056 parameters: backbone 503,411, rest 645",
        "0.008429 GMAC a training sample: 48 × 48",
        "32 a step = 4 processes × micro-batch 8 × accumulation 1",
        "250 steps = 32 epochs = 8,000 samples",
        "warm-up: 25 steps from 0.01 of the rate",
        "AdamW, rate 0.002, weight decay 0.05, 12 groups",
        "6 layers: rate of the stem 0.001181, of the head 0.002",
        "GiB a process in fp32",
        "the demo at scale 1: 250 items to train on, 700 to evaluate, about 0.02 GB (as published)",
        "parts of --data-root: imagenet",
        "0.416 TFLOP (a multiply-add is 2)",
        "0.7 min at 0.01 TFLOP/s",
        "init random",
    ):
        assert fact in said, fact
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_is_nominal_is_said(cli):
    said = narrow(cli("plan", DETECTION).out)
    assert "box heads at 64 regions an image in training" in said
    assert "mask heads at 20 regions an image in testing" in said


@pytest.mark.slow
def test_the_data_are_counted_where_they_are(cli, demo_root, tmp_path):
    assert "(counted)" in words(cli("plan", RECIPE, "--data-root", demo_root).out)
    absent = words(cli("plan", RECIPE, "--data-root", tmp_path).out)
    assert "as published" in absent
    assert "is not there" in absent


@pytest.mark.slow
def test_a_suite(cli):
    outcome = cli("plan", SUITE, "--seeds", 3, "--tflops", 0.02)
    assert outcome.code == 0, outcome.err
    said = narrow(outcome.out)
    assert "1 × pre-training: simmim 900 28,800" in said
    assert "3 × detection from simmim simmim 300 3,600" in said
    assert "3 × classification from random 250 24,000" in said
    total = re.search(r"38 runs in all ([\d,]+) ([\d.]+) ([\d.]+) min", said)
    assert total is not None
    samples, work, minutes = (float(word.replace(",", "")) for word in total.groups())
    assert samples == 2 * 28_800 + 9 * (250 * 32 + 300 * 16 + 240 * 8 + 300 * 4)
    assert minutes == pytest.approx(work / 0.02 / 60, rel=0.02)
    assert len(re.findall("as published", said)) == 6


SMALL_SUITE = """
title = "Small"
arms = [
    dict(
        pretraining={"simmim+supervised": dict(recipe=RECIPE, init="simmim")},
        checkpoints=dict(supervised="timm:swin_nano"),
        transfer=[RECIPE],
        cited=[dict(recipe=RECIPE, init="supervised", value=50.5, source="a paper")],
    )
]
inits = ["random", "supervised", "simmim"]
"""


def test_a_suite_with_weights_that_are_there(cli, tmp_path):
    path = tmp_path / "small.py"
    path.write_text(SMALL_SUITE.replace("RECIPE", repr(RECIPE)))
    cli("plan", path).refuses("'simmim'")
    outcome = cli("plan", path, "--checkpoint", "simmim=there.pth")
    assert outcome.code == 0, outcome.err
    said = narrow(outcome.out)
    for row in ("1 × classification from random", "– classification from supervised cited: 50.5", "2 runs in all"):
        assert row in said
    assert "given: there.pth" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["suites/demmo.py"], ["suites/demmo.py", "demo.py"]),
        (["classification/cls.py"], ["no such config"]),
        ([RECIPE, "--processes", 3], ["3 processes", "1, 2, 4, 8"]),
        ([RECIPE, "--seeds", 2], ["--seeds", "is a recipe"]),
        ([RECIPE, "--checkpoint", "simmim=x.pth"], ["--checkpoint", "is a recipe"]),
        ([RECIPE, "--init", "imagenet"], ["imagenet", "no kind of initialisation"]),
        ([RECIPE, "--init", "simmim=nowhere.pth"], ["nowhere.pth"]),
        ([RECIPE, "--cfg-options", "model.bakbone.arch=tiny"], ["bakbone", "backbone"]),
        ([RECIPE, "--cfg-options", "model.backbone.arch=tinny"], ["tinny", "tiny"]),
        ([RECIPE, "--cfg-options", "resolution=big"], ["resolution is 'big'"]),
        ([SUITE, "--init", "random"], ["--init random", "suite"]),
        ([SUITE, "--cfg-options", "model.backbone.arch=tinny"], ["tinny"]),
    ],
)
def test_faults_of_the_user(cli, arguments, told):
    cli("plan", *arguments).refuses(*told)


def test_a_recipe_without_a_field(cli, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("task = 'classification'\n")
    cli("plan", path).refuses(path.name, "has no title")


def test_a_suite_without_a_field(cli, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("title = 'x'\narms = []\n")
    cli("plan", path).refuses(path.name, "inits")
