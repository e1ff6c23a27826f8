"""The groups of an optimiser on the terminal, or for machines."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from simmim_eval.cli.planned import sized_console
from simmim_eval.engine.dry_run import ParameterGroup, inspect

__all__ = ["print_groups"]


def print_groups(name: str, options: Mapping[str, Any], as_json: bool, resolved: bool) -> None:
    """Print the groups of a recipe's optimiser; first, if wished, the whole recipe.

    Raises:
        UserError: As :func:`~simmim_eval.engine.dry_run.inspect`.
    """
    config, groups = inspect(name, options)
    if resolved:
        print(config.pretty_text)
    if as_json:
        print(json.dumps([dataclasses.asdict(group) for group in groups], indent=1))
        return
    table = Table("group", "layer", "scale", "lr", "weight decay", "tensors", "parameters", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in groups:
        table.add_row(*_cells(one))
    table.add_section()
    tensors, parameters = sum(one.tensors for one in groups), sum(one.parameters for one in groups)
    table.add_row("total", "", "", "", "", f"{tensors:,}", f"{parameters:,}", style="bold")
    sized_console().print(table, highlight=False)


def _cells(group: ParameterGroup) -> list[str]:
    counts = [f"{group.tensors:,}", f"{group.parameters:,}"]
    if group.name == "frozen":
        return [group.name, "", "", "", "", *counts]
    layer = "" if group.layer is None else str(group.layer)
    return [group.name, layer, f"{group.scale:.4g}", f"{group.lr:.4g}", f"{group.weight_decay:g}", *counts]
