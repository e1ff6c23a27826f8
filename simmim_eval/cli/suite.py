"""``simmim-eval suite``: a matrix of runs."""

from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions, DataRoot, WorkDir
from simmim_eval.errors import UserError

__all__ = ["app"]

app = typer.Typer(help="Run a matrix of pre-trainings and transfers, and see how far it is.", no_args_is_help=True)

SuiteName = Annotated[str, typer.Argument(help="A suite: a file, or a name inside the package's configs/.")]
Seeds = Annotated[int, typer.Option(help="Fine-tuning seeds, from 0.", min=1)]
OPTIONS = "--data-root data/demo --work-dir work_dirs/demo"


@app.command(epilog=f"Example: simmim-eval suite run suites/demo.py {OPTIONS} --seeds 3")
def run(
    suite: SuiteName,
    data_root: DataRoot,
    work_dir: WorkDir,
    seeds: Seeds = 1,
    jobs: Annotated[int, typer.Option(help="Runs at once, one thread each.", min=1)] = 2,
    cfg_options: CfgOptions = None,
) -> None:
    """Run all that is missing, two at a time; go on after a failure; then print the table."""
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.report import show_table
    from simmim_eval.cli.watch import run_suite, show_failures

    failed = run_suite(suite, data_root, work_dir, seeds, jobs, parse_options(cfg_options))
    if not failed:
        show_table(work_dir, suite, work_dir / "tables", "val")
        return
    try:
        show_table(work_dir, suite, work_dir / "tables", "val")
    except UserError as error:
        typer.echo(f"no table: {error}", err=True)
    show_failures(failed, work_dir)
    raise typer.Exit(1)


@app.command(epilog=f"Example: simmim-eval suite status suites/demo.py {OPTIONS}")
def status(
    suite: SuiteName, data_root: DataRoot, work_dir: WorkDir, seeds: Seeds = 1, cfg_options: CfgOptions = None
) -> None:
    """List the runs of a suite: done, failed and why, or waiting."""
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.watch import show_status

    show_status(suite, data_root, work_dir, seeds, parse_options(cfg_options))
