"""``simmim-eval evaluate``: the metrics of a checkpoint of ours, again."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions, DataRoot, Split

__all__ = ["EXAMPLE", "evaluate"]

EXAMPLE = "Example: simmim-eval evaluate work_dirs/demo/runs/ID/last.pth --data-root data/demo"


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A last.pth that a run left.")],
    data_root: DataRoot,
    config: Annotated[
        str | None, typer.Option(help="The recipe that made it, if the package does not have it.")
    ] = None,
    split: Split = "val",
    cfg_options: CfgOptions = None,
) -> None:
    """Evaluate a checkpoint under its recipe; on the same data it gives the record's metrics exactly."""
    import tempfile

    from rich.console import Console

    from simmim_eval import compat
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.progress import stage_bars
    from simmim_eval.cli.single import print_metrics
    from simmim_eval.engine.execute import evaluate as evaluate_run
    from simmim_eval.engine.initialisation import InitSource
    from simmim_eval.engine.prepare import RunRequest, prepare
    from simmim_eval.engine.recipe import recipe_of

    compat.install()
    console = Console()
    request = RunRequest(
        config or recipe_of(checkpoint), InitSource("random"), data_root, 0, split, parse_options(cfg_options)
    )
    with tempfile.TemporaryDirectory() as scratch, stage_bars(console) as progress:
        metrics = evaluate_run(prepare(request), checkpoint, Path(scratch), progress)
    print_metrics(console, metrics)
