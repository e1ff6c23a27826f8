"""``simmim-eval pretrain``: one pre-training."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import Amp, CfgOptions, DataRoot, Launcher, Resume, Seed, WorkDir, parse_options

__all__ = ["EXAMPLE", "pretrain"]

EXAMPLE = "Example: simmim-eval pretrain pretrain/simmim_swin-nano_1xb32-900i_demo.py --data-root data/demo"


def pretrain(
    config: Annotated[str, typer.Argument(help="A recipe: a file, or a name inside the package's configs/.")],
    data_root: DataRoot,
    work_dir: WorkDir = Path("work_dirs/pretrain"),
    seed: Seed = 0,
    cfg_options: CfgOptions = None,
    resume: Resume = False,
    amp: Amp = False,
    launcher: Launcher = "none",
) -> None:
    """Pre-train a backbone from random weights, and leave a checkpoint and a record."""
    from simmim_eval.cli.single import run_single

    options = parse_options(cfg_options)
    run_single(config, "random", data_root, work_dir, seed, "val", options, resume, amp, launcher)
