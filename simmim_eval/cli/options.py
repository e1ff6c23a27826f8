"""Options that several commands share."""

import ast
from pathlib import Path
from typing import Annotated, Any

import typer

from simmim_eval.errors import ConfigError

__all__ = [
    "Amp",
    "CfgOptions",
    "DataRoot",
    "Launcher",
    "Processes",
    "Resume",
    "Seed",
    "SlurmArgs",
    "Split",
    "WorkDir",
    "parse_options",
]

DataRoot = Annotated[Path, typer.Option(help="Folder of the data set.")]
WorkDir = Annotated[Path, typer.Option(help="Where records, attempts and runs go.")]
Seed = Annotated[int, typer.Option(help="Seed of this run.")]
Split = Annotated[str, typer.Option(help="Evaluated split: val is reported, tune is for choosing.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from an interrupted attempt's newest checkpoint.")]
Amp = Annotated[
    bool,
    typer.Option(
        "--amp", help="Train in mixed precision also where the recipe does not: as optim_wrapper.type=AmpOptimWrapper."
    ),
]
Launcher = Annotated[
    str, typer.Option(help="What started this process as one of several: none, pytorch (torchrun) or slurm (srun).")
]
Processes = Annotated[int, typer.Option(help="Processes of each run: one a GPU.", min=1)]
CfgOptions = Annotated[
    list[str] | None,
    typer.Option(help="Override a field of the recipe: key.sub=value. Give it once for each field."),
]
SlurmArgs = Annotated[
    list[str] | None,
    typer.Option(
        help="For --executor slurm, once for each: partition=NAME, time=MINUTES, gpus_per_node=N, mem=64GB, "
        "cpus_per_task=N, account=NAME, and whatever else submitit passes to sbatch."
    ),
]


def parse_options(options: list[str] | None, option: str = "--cfg-options") -> dict[str, Any]:
    """``key.sub=value`` texts to a dict; values are Python literals, anything else is text.

    Args:
        options: The texts.
        option: Their name, for the message.

    Raises:
        ConfigError: A text without ``=``.
    """
    parsed: dict[str, Any] = {}
    for text in options or []:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(f"{option} {text}: expected key=value, as in train_cfg.max_iters=10.")
        try:
            parsed[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            parsed[key] = value
    return parsed
