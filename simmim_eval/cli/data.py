"""``simmim-eval data``: data sets."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli import data_check

__all__ = ["app"]

app = typer.Typer(help="Make and look at data sets.", no_args_is_help=True)


@app.callback()
def _data() -> None:
    """Make and look at data sets."""


@app.command("make-demo", epilog="Example: simmim-eval data make-demo data/demo")
def make_demo(
    root: Annotated[Path, typer.Argument(help="Folder to make; an identical finished one is left as it is.")],
    seed: Annotated[int, typer.Option(help="Seed of every picture.")] = 0,
    scale: Annotated[float, typer.Option(help="Share of the full number of pictures.")] = 1.0,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:
    """Make the demo's pictures in the formats of ImageNet, COCO, ADE20K and Kinetics."""
    from rich.console import Console

    from simmim_eval.cli.progress import stage_bars
    from simmim_eval.data.demo import make_demo as make

    console = Console()
    with stage_bars(console) as progress:
        make(root, seed=seed, scale=scale, progress=progress, workers=workers)
    console.print(f"demo data   {root}", highlight=False)


app.command("check", epilog=data_check.EXAMPLE)(data_check.check)
