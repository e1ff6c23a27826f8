"""tools/ as OpenMMLab users call them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from demo_case import RECIPES

from simmim_eval.cli.tool import translate
from simmim_eval.results.store import Store

TOOLS = Path(__file__).parents[2] / "tools"
SHARED = ("dist_run", "slurm_run")
SCRIPTS = sorted(path.stem for pattern in ("dist_*.sh", "slurm_*.sh") for path in TOOLS.glob(pattern))


@pytest.mark.parametrize(
    ("command", "theirs", "ours"),
    [
        (
            "transfer",
            ["c.py", "--cfg-options", "a=1", "b.c=x"],
            ["c.py", *("--cfg-options", "a=1", "--cfg-options", "b.c=x")],
        ),
        ("transfer", ["--cfg-options", "a=1", "--seed", "3"], ["--cfg-options", "a=1", "--seed", "3"]),
        ("transfer", ["--cfg-options", "a=1", "c.py"], ["--cfg-options", "a=1", "c.py"]),
        (
            "transfer",
            ["--cfg-options", "a=1", "--cfg-options", "b=2"],
            ["--cfg-options", "a=1", "--cfg-options", "b=2"],
        ),
        ("transfer", ["c.py", "--resume", "--amp"], ["c.py", "--resume", "--amp"]),
        ("evaluate", ["c.py", "last.pth", "--data-root", "d"], ["last.pth", "--config", "c.py", "--data-root", "d"]),
        ("evaluate", ["last.pth", "--data-root", "d"], ["last.pth", "--data-root", "d"]),
        ("evaluate", ["last.pth"], ["last.pth"]),
    ],
)
def test_their_words_in_ours(command, theirs, ours):
    assert translate(command, theirs) == ours


@pytest.fixture
def record_of(tmp_path):
    """What a script would start: ``srun``, or Python as $PYTHON, replaced by a program that writes its words down."""
    told = tmp_path / "told.txt"
    for name in ("srun", "python"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nfor word in {name} "$@"; do echo "$word"; done > {told}\n')
        program.chmod(0o755)

    def run(script: str, *words: str, **environment: str) -> list[str]:
        path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        subprocess.run([TOOLS / script, *words], env=os.environ | path | environment, check=True)
        return told.read_text().splitlines()

    return run


DIST = ["python", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


@pytest.mark.parametrize("tool", ["train", "pretrain"])
def test_dist_train(record_of, tool):
    told = record_of(f"dist_{tool}.sh", "a b.py", "4", "--seed", "1", "--cfg-options", "x=1")
    assert told == [
        *DIST,
        "4",
        f"{TOOLS}/{tool}.py",
        "a b.py",
        *("--seed", "1", "--cfg-options", "x=1", "--launcher", "pytorch"),
    ]


def test_dist_test(record_of):
    told = record_of("dist_test.sh", "a.py", "last.pth", "2", "--split", "tune")
    assert told == [*DIST, "2", f"{TOOLS}/test.py", "a.py", "last.pth", "--split", "tune", "--launcher", "pytorch"]


def test_dist_train_on_several_machines(record_of):
    told = record_of("dist_train.sh", "a.py", "8", NNODES="2", NODE_RANK="1", MASTER_ADDR="n1", PORT="1234")
    expected = "--nnodes 2 --node-rank 1 --master-addr n1 --master-port 1234 --nproc-per-node 8"
    assert told == [*DIST[:3], *expected.split(), f"{TOOLS}/train.py", "a.py", "--launcher", "pytorch"]


def test_slurm_train(record_of):
    told = record_of(
        "slurm_train.sh", "gpu", "swin", "a.py", "work", "--resume", GPUS="16", SRUN_ARGS="--time 60 -A me"
    )
    expected = "--partition=gpu --job-name=swin --gres=gpu:8 --ntasks=16 --ntasks-per-node=8 --cpus-per-task=5"
    expected += f" --kill-on-bad-exit=1 --time 60 -A me python -u {TOOLS}/train.py a.py --work-dir work --resume"
    assert told == ["srun", *expected.split(), "--launcher", "slurm"]


def test_slurm_asks_for_no_more_gpus_than_there_are_tasks(record_of):
    told = record_of("slurm_test.sh", "gpu", "swin", "a.py", "last.pth", GPUS="2", CPUS_PER_TASK="3")
    assert {"--gres=gpu:2", "--ntasks=2", "--ntasks-per-node=2", "--cpus-per-task=3"} <= set(told)
    assert told[told.index(f"{TOOLS}/test.py") :] == [f"{TOOLS}/test.py", "a.py", "last.pth", "--launcher", "slurm"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_word_too_few_shows_the_usage(script):
    done = subprocess.run([TOOLS / f"{script}.sh"], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"usage: tools/{script}.sh" in done.stderr


def test_every_tool_has_its_twins():
    twins = {f"{kind}_{tool}" for kind in ("dist", "slurm") for tool in ("train", "test", "pretrain")}
    assert set(SCRIPTS) == twins | set(SHARED)


@pytest.mark.slow
def test_two_processes_train_and_test(demo_root, tmp_path):
    """dist_train.sh with gloo: one record; dist_test.sh then tells the same numbers, once."""
    environment = os.environ | {"PYTHON": sys.executable}
    common = ["--data-root", demo_root, "--cfg-options", "train_cfg.max_iters=2"]
    words = [TOOLS / "dist_train.sh", RECIPES["classification"], "2", "--init", "random", "--work-dir", tmp_path / "w"]
    done = subprocess.run([*words, *common], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = Store(tmp_path / "w").records()
    assert record.environment.processes == 2
    numbers = [line for line in done.stdout.splitlines() if line.startswith("top")]
    assert len(numbers) == 2  # top1 and top5, of one process

    checkpoint = tmp_path / "w" / record.artifacts["checkpoint"]
    words = [TOOLS / "dist_test.sh", RECIPES["classification"], checkpoint, "2", "--data-root", demo_root]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("top")] == numbers
