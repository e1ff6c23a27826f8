"""``simmim-eval evaluate``: the metrics of a checkpoint of ours, again."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions, DataRoot, Launcher, Split

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
    work_dir: Annotated[
        Path | None, typer.Option(help="Keep log and predictions here; without it nothing is kept.")
    ] = None,
    launcher: Launcher = "none",
) -> None:
    """Evaluate a checkpoint under its recipe; on the same data it gives the record's metrics exactly."""
    import contextlib
    import tempfile

    from simmim_eval import compat
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.progress import stage_bars
    from simmim_eval.cli.single import own_console, print_metrics
    from simmim_eval.engine.execute import evaluate as evaluate_run
    from simmim_eval.engine.initialisation import InitSource
    from simmim_eval.engine.prepare import RunRequest, prepare
    from simmim_eval.engine.recipe import recipe_of
    from simmim_eval.launch.distributed import join
    from simmim_eval.launch.leash import leash_forks

    join(launcher)
    compat.install()
    leash_forks()
    console = own_console()
    request = RunRequest(
        config or recipe_of(checkpoint), InitSource("random"), data_root, 0, split, parse_options(cfg_options)
    )
    place = contextlib.nullcontext(work_dir) if work_dir else tempfile.TemporaryDirectory()
    with place as folder, stage_bars(console) as progress:
        metrics = evaluate_run(prepare(request), checkpoint, Path(folder), progress)
    print_metrics(console, metrics)
