"""A process's place among those of its run, from torchrun's variables and from Slurm's."""

import os

import pytest

from simmim_eval.errors import ConfigError
from simmim_eval.launch.distributed import TORCHRUN, is_main, join, slurm_variables

# What srun set in the sixth of eight tasks on two nodes.
SRUN = {
    "SLURM_JOB_ID": "1234567",
    "SLURM_JOB_NODELIST": "gpu[03-04]",
    "SLURM_JOB_NUM_NODES": "2",
    "SLURM_NTASKS": "8",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
}


@pytest.fixture
def environment(monkeypatch):
    for name in (*TORCHRUN, *SRUN):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


def test_alone(environment):
    join("none")
    assert is_main()


def test_under_srun(environment, monkeypatch):
    for name, value in SRUN.items():
        environment(name, value)
    for name in TORCHRUN:
        environment(name, "")  # put back after the test
    join("slurm")
    told = {name: os.environ[name] for name in TORCHRUN}
    assert told.pop("MASTER_PORT") == "" or 20_000 <= int(os.environ["MASTER_PORT"]) < 32_000
    assert told == {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "gpu03"}
    assert not is_main()


def test_all_tasks_meet_at_one_port(environment):
    environment("SLURM_JOB_NODELIST", SRUN["SLURM_JOB_NODELIST"])
    first, second = (slurm_variables(SRUN | {"SLURM_PROCID": rank}) for rank in "01")
    assert first["MASTER_PORT"] == second["MASTER_PORT"] and first["RANK"] != second["RANK"]
    assert slurm_variables(SRUN | {"MASTER_PORT": "29500"})["MASTER_PORT"] == "29500"
    assert slurm_variables(SRUN | {"SLURM_JOB_ID": "1234568"})["MASTER_PORT"] != first["MASTER_PORT"]


def test_a_job_of_one_task_is_alone():
    assert slurm_variables({"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}) == {}


def test_a_launcher_that_did_not_launch(environment):
    with pytest.raises(ConfigError, match=r"RANK is not set.*dist_train"):
        join("pytorch")
    with pytest.raises(ConfigError, match=r"SLURM_PROCID is not set.*slurm_train"):
        join("slurm")
    with pytest.raises(ConfigError, match="--launcher mpi: expected none, pytorch, slurm"):
        join("mpi")
    for name in TORCHRUN:
        environment(name, "0")
    join("pytorch")
