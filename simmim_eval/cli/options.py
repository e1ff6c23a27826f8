"""Options that several commands share."""

import ast
from pathlib import Path
from typing import Annotated, Any

import typer

from simmim_eval.errors import ConfigError

__all__ = ["CfgOptions", "DataRoot", "Resume", "Seed", "Split", "WorkDir", "parse_options"]

DataRoot = Annotated[Path, typer.Option(help="Folder of the data set.")]
WorkDir = Annotated[Path, typer.Option(help="Where records, attempts and runs go.")]
Seed = Annotated[int, typer.Option(help="Seed of this run.")]
Split = Annotated[str, typer.Option(help="Evaluated split: val is reported, tune is for choosing.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from an interrupted attempt's newest checkpoint.")]
CfgOptions = Annotated[
    list[str] | None,
    typer.Option(help="Override a field of the recipe: key.sub=value. Give it once for each field."),
]


def parse_options(options: list[str] | None) -> dict[str, Any]:
    """``key.sub=value`` texts to a dict; values are Python literals, anything else is text.

    Raises:
        ConfigError: A text without ``=``.
    """
    parsed: dict[str, Any] = {}
    for text in options or []:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(f"--cfg-options {text}: expected key=value, as in train_cfg.max_iters=10.")
        try:
            parsed[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            parsed[key] = value
    return parsed
