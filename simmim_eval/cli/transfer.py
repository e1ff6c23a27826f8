"""``simmim-eval transfer``: one task from one initialisation."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import Amp, CfgOptions, DataRoot, Launcher, Resume, Seed, Split, WorkDir, parse_options

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
    amp: Amp = False,
    launcher: Launcher = "none",
) -> None:
    """Fine-tune on one task from a stated initialisation, evaluate, and leave a record."""
    from simmim_eval.cli.single import run_single

    options = parse_options(cfg_options)
    run_single(config, init, data_root, work_dir, seed, split, options, resume, amp, launcher)
