"""``simmim-eval inspect``: how the optimiser of a recipe groups the parameters."""

from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions

__all__ = ["EXAMPLE", "inspect"]

EXAMPLE = "Example: simmim-eval inspect segmentation/upernet_swin-nano_1xb8-240i_demo.py"


def inspect(
    config: Annotated[str, typer.Argument(help="A recipe: a file, or a name inside the package's configs/.")],
    cfg_options: CfgOptions = None,
    json: Annotated[bool, typer.Option("--json", help="For machines: one list of groups.")] = False,
    resolved: Annotated[
        bool, typer.Option("--config", help="Print the whole recipe first, with all that it inherits.")
    ] = False,
) -> None:
    """Print the optimiser's groups: layer, scale, rate, weight decay, tensors, parameters."""
    from simmim_eval.cli.groups import print_groups
    from simmim_eval.cli.options import parse_options

    print_groups(config, parse_options(cfg_options), json, resolved)
