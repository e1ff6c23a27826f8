"""``simmim-eval plan``: what a recipe or a suite would cost, told without data and without a GPU."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions, Processes

__all__ = ["EXAMPLE", "plan"]

EXAMPLE = "Example: simmim-eval plan suites/demo.py --seeds 3 --tflops 0.02"


def plan(
    config: Annotated[str, typer.Argument(help="A recipe or a suite: a file, or a name in the package's configs/.")],
    init: Annotated[
        str | None, typer.Option(help="For a recipe: as for transfer; a local checkpoint is tried on the backbone.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="For a suite: fine-tuning seeds. Default: as the suite says.", min=1)
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", help="For a suite: KIND=CHECKPOINT, given instead of a pre-training."),
    ] = None,
    processes: Processes = 1,
    data_root: Annotated[
        Path | None, typer.Option(help="Count the data there; without it, or where they are not, published counts.")
    ] = None,
    tflops: Annotated[
        float | None,
        typer.Option(help="TFLOP/s that all processes of a run sustain together; gives the time.", min=1e-6),
    ] = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Say what a run, or all runs of a suite, would cost: parameters, FLOPs, memory, steps, data, time.

    Models are built on PyTorch's meta device, where tensors have shapes and no values: nothing is trained, fetched or
    written. What depends on data, as the regions of a detector do, is counted at nominal numbers, or named as left out.
    """
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.planned import PlanRequest, print_plan

    options, given = parse_options(cfg_options), tuple(checkpoint or ())
    print_plan(PlanRequest(config, options, init, seeds, given, processes, data_root, tflops))
