"""``simmim-eval transfer``: one task from one initialisation."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions, DataRoot, Resume, Seed, Split, WorkDir

__all__ = ["EXAMPLE", "transfer"]

EXAMPLE = (
    "Example: simmim-eval transfer classification/cls_swin-nano_1xb32-250i_demo.py "
    "--init simmim=work_dirs/pretrain/runs/ID/last.pth --data-root data/demo"
)


def transfer(
    config: Annotated[str, typer.Argument(help="A recipe: a file, or a name inside the package's configs/.")],
    data_root: DataRoot,
    init: Annotated[
        str,
        typer.Option(
            help="simmim=CKPT, supervised=CKPT, simmim+supervised=CKPT, other_ssl=CKPT, or random; must be stated.",
            show_default=False,
        ),
    ] = "",
    work_dir: WorkDir = Path("work_dirs/transfer"),
    seed: Seed = 0,
    split: Split = "val",
    cfg_options: CfgOptions = None,
    resume: Resume = False,
) -> None:
    """Fine-tune on one task from a stated initialisation, evaluate, and leave a record."""
    from simmim_eval.cli.single import run_single

    run_single(config, init, data_root, work_dir, seed, split, cfg_options, resume)
