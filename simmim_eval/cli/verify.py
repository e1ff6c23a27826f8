"""``simmim-eval verify``: a published checkpoint against its published number."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import Split

__all__ = ["EXAMPLE", "verify"]

EXAMPLE = "Example: simmim-eval verify classification timm:swin_tiny_patch4_window7_224.ms_in1k data/imagenet"


def verify(
    task: Annotated[str, typer.Argument(help="classification, detection, segmentation or recognition.")],
    checkpoint: Annotated[str, typer.Argument(help="Of a whole model: a file, timm:NAME, hf:OWNER/NAME/FILE.")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    config: Annotated[
        str | None, typer.Option(help="The recipe, or a stock config as mmdet::FILE; default: the cited one's.")
    ] = None,
    expect: Annotated[float | None, typer.Option(help="Number to compare with, where none is cited.")] = None,
    split: Split = "val",
) -> None:
    """Evaluate a public checkpoint and compare; exit code 0 where it agrees with its number, 1 where it does not."""
    from rich.console import Console

    from simmim_eval import compat
    from simmim_eval.cli.progress import stage_bars
    from simmim_eval.engine.verify import verify as run
    from simmim_eval.launch.leash import leash_forks

    compat.install()
    leash_forks()
    console = Console(soft_wrap=True, highlight=False)
    with stage_bars(console) as progress:
        verdict = run(task, checkpoint, root, config=config, expect=expect, split=split, progress=progress)
    console.print(f"loaded     {verdict.loaded}", markup=False)
    for one in verdict.comparisons:
        interval = one.interval
        shown = f" (95 %: {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
        console.print(
            f"{one.measured.name:<10} measured {one.measured.value:.2f}{shown}, cited {one.cited:.2f}, difference "
            f"{one.difference:+.2f}, allowed {one.tolerance:.2f}",
            markup=False,
        )
    console.print(f"cited in   {verdict.source}", markup=False)
    if verdict.note:
        console.print(f"note       {verdict.note}", style="yellow", markup=False)
    console.print("agrees" if verdict.is_within else "differs", style="green" if verdict.is_within else "red")
    raise typer.Exit(0 if verdict.is_within else 1)
