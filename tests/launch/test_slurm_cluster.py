"""A suite on a cluster of one machine: sbatch, srun, sacct and scancel as small scripts that do what Slurm's do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from suite_case import small_suite

from simmim_eval.launch.executors.slurm import JOB_FILE
from simmim_eval.results.store import Store

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("simmim-eval")
# A job is its script in the background; its process id is its job id.
SBATCH = """#!/bin/bash
(
    while [ ! -e "$CLUSTER/$BASHPID" ]; do sleep 0.05; done
    export SLURM_JOB_ID=$BASHPID SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_JOB_NUM_NODES=1
    exec bash "$1" >>"$CLUSTER/log" 2>&1
) </dev/null >/dev/null 2>&1 &
touch "$CLUSTER/$!"
echo "Submitted batch job $!"
"""
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do
    case $1 in --output) output=${2//%j/$SLURM_JOB_ID}; output=${output//%t/0}; shift ;; esac
    shift
done
"$@" >>"$output" 2>&1
"""
SACCT = """#!/bin/bash
echo 'JobID|State|NodeList'
for job in "$CLUSTER"/[0-9]*; do
    job=${job##*/}
    if kill -0 "$job" 2>/dev/null; then echo "$job|RUNNING|here"; else echo "$job|COMPLETED|here"; fi
done
"""
SCANCEL = """#!/bin/bash
kill "$1"
"""


@pytest.fixture
def cluster(tmp_path):
    """The environment of a machine with Slurm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT, "scancel": SCANCEL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (tmp_path / "cluster").mkdir()
    yield os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "CLUSTER": str(tmp_path / "cluster")}
    for job in (tmp_path / "cluster").glob("[0-9]*"):
        subprocess.run(["kill", job.name], stderr=subprocess.DEVNULL)


@pytest.fixture
def start(cluster, demo_root, tmp_path):
    suite = small_suite(tmp_path / "one.py", "random")

    def run() -> subprocess.Popen[str]:
        words = ["suite", "run", suite, "--data-root", demo_root, "--work-dir", tmp_path / "work"]
        words += ["--executor", "slurm", "--slurm-args", "time=10", "--cfg-options", "train_cfg.max_iters=6"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([COMMAND, *map(str, words)], env=cluster, **pipes)

    return run


def test_jobs_outlive_a_killed_suite_and_the_next_one_takes_them_over(start, tmp_path):
    work, first = tmp_path / "work", start()
    end = time.monotonic() + 120
    while not (jobs := list(work.glob(f"runs/*/{JOB_FILE}"))) and first.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    job = jobs[0].read_text()
    os.kill(int(job), 0)  # it is alive

    second = start()
    out, err = second.communicate()
    assert second.returncode == 0, out + err
    assert jobs[0].read_text() == job
    store = Store(work)
    (record,) = store.records()
    assert [one.status for one in store.attempts(record.run_id)] == ["completed"]
    assert [path.name for path in (tmp_path / "cluster").glob("[0-9]*")] == [job]
