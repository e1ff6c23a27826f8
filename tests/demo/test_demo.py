"""The whole demo, as `make demo` runs it: what its caption and the README promise of the numbers."""

import subprocess
import sys
from pathlib import Path

import pytest

from simmim_eval.results.store import Store

pytestmark = pytest.mark.slow
CHANCE = 100 / 8


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    command = str(Path(sys.executable).parent / "simmim-eval")
    data, runs = str(root / "data"), root / "runs"
    subprocess.run([command, "data", "make-demo", data], check=True)
    subprocess.run(
        [command, "suite", "run", "suites/demo.py", "--data-root", data, "--work-dir", str(runs)], check=True
    )
    return runs


@pytest.fixture(scope="module")
def transfers(work_dir):
    return [record for record in Store(work_dir).records() if record.kind == "transfer"]


def test_fourteen_records_and_the_files(work_dir, transfers):
    assert len(transfers) == 12
    assert len(list(Store(work_dir).records())) == 14
    assert {path.name for path in (work_dir / "tables").iterdir()} == {"table.md", "table.csv", "table.json"}
    assert len(list(work_dir.glob("runs/*/reconstructions.png"))) == 1


@pytest.mark.parametrize("name", ["top1", "box_ap", "mask_ap", "miou"])
def test_the_best_row_of_each_column_is_above_its_floor(transfers, name):
    tasks = {record.protocol.task for record in transfers if record.metric(name)}
    for task in tasks:
        cells = [record.metric(name) for record in transfers if record.protocol.task == task]
        best = max(cells, key=lambda metric: metric.value)
        assert best.value >= best.floor + 3 * best.std_error, (task, name)


def test_something_is_detected(transfers):
    assert max(metric.value for record in transfers if (metric := record.metric("box_ap50"))) >= 5


def test_recognisers_read_the_order_of_frames(transfers):
    recognisers = [record for record in transfers if record.protocol.task == "recognition"]
    assert {record.init.kind for record in recognisers} == {"random", "supervised", "simmim"}
    for record in recognisers:
        still = record.metric("top1_still")
        for name in ("top1", "opposite_reversed"):  # how far above chance varies by tens between draws
            metric = record.metric(name)
            assert metric.value >= CHANCE + 10 * metric.std_error, name
        # Two standard errors are what the demo is held to on one machine; another rounds otherwise and draws anew.
        assert abs(still.value - CHANCE) <= 3 * still.std_error
