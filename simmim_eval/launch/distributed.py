"""Which of a run's processes this one is, in the words that torchrun uses: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_*."""

import os
from collections.abc import Mapping
from typing import Literal

from simmim_eval.errors import ConfigError

__all__ = ["LAUNCHERS", "Launcher", "is_main", "join", "slurm_variables"]

Launcher = Literal["none", "pytorch", "slurm"]
LAUNCHERS: tuple[Launcher, ...] = ("none", "pytorch", "slurm")

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
FIRST_PORT, NUM_PORTS = 20_000, 12_000  # below the ports that Linux gives to whoever asks


def is_main() -> bool:
    """Whether this process writes what the run leaves."""
    return os.environ.get("RANK", "0") == "0"


def join(launcher: str) -> None:
    """Take this process's place among those of its run.

    Raises:
        ConfigError: No such launcher, or it did not start this process.
    """
    if launcher not in LAUNCHERS:
        raise ConfigError(f"--launcher {launcher}: expected {', '.join(LAUNCHERS)}.")
    if launcher == "pytorch" and (missing := [name for name in TORCHRUN if name not in os.environ]):
        raise ConfigError(
            f"--launcher pytorch: torchrun did not start this process ({missing[0]} is not set). Use "
            "tools/dist_train.sh, or leave the option out."
        )
    if launcher == "slurm":
        if "SLURM_PROCID" not in os.environ:
            raise ConfigError(
                "--launcher slurm: srun did not start this process (SLURM_PROCID is not set). Use "
                "tools/slurm_train.sh, or leave the option out."
            )
        os.environ.update(slurm_variables(os.environ))


def slurm_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Slurm's variables in torchrun's words; none for a job of one task.

    Args:
        environment: Of a process that ``srun`` started.
    """
    if int(environment.get("SLURM_NTASKS", "1")) == 1:
        return {}
    from submitit.slurm.slurm import SlurmJobEnvironment

    return {
        "RANK": environment["SLURM_PROCID"],
        "WORLD_SIZE": environment["SLURM_NTASKS"],
        "LOCAL_RANK": environment["SLURM_LOCALID"],
        "MASTER_ADDR": SlurmJobEnvironment().hostnames[0],
        "MASTER_PORT": environment.get("MASTER_PORT", str(FIRST_PORT + int(environment["SLURM_JOB_ID"]) % NUM_PORTS)),
    }
