"""``simmim-eval suite``: a matrix of runs."""

from pathlib import Path
from typing import Annotated

import typer

from simmim_eval.cli.options import CfgOptions, DataRoot, Processes, SlurmArgs, WorkDir
from simmim_eval.errors import UserError

__all__ = ["app"]

app = typer.Typer(
    help="Run a matrix of pre-trainings and transfers, see how far it is, and tidy up.", no_args_is_help=True
)

SuiteName = Annotated[str, typer.Argument(help="A suite: a file, or a name inside the package's configs/.")]
Seeds = Annotated[int | None, typer.Option(help="Fine-tuning seeds, from 0. Default: as the suite says.", min=1)]
Checkpoints = Annotated[
    list[str] | None,
    typer.Option("--checkpoint", help="KIND=CHECKPOINT: weights that are there, instead of a pre-training."),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        help="Runs at once. Default: 2 in local, as many as the GPUs are enough for in subprocess, 64 in slurm.", min=1
    ),
]
ExecutorName = Annotated[
    str,
    typer.Option(
        help="Where runs execute. local: children of a server that has the libraries loaded, one CPU thread each. "
        "subprocess: a process each, or --processes under torchrun; GPUs are shared out. slurm: a job each. "
        "debug: in this process."
    ),
]
OPTIONS = "--data-root data/demo --work-dir work_dirs/demo"


@app.command(epilog=f"Example: simmim-eval suite run suites/demo.py {OPTIONS} --seeds 3")
def run(
    suite: SuiteName,
    data_root: DataRoot,
    work_dir: WorkDir,
    seeds: Seeds = None,
    jobs: Jobs = None,
    cfg_options: CfgOptions = None,
    checkpoint: Checkpoints = None,
    executor: ExecutorName = "local",
    processes: Processes = 1,
    slurm_args: SlurmArgs = None,
) -> None:
    """Run all that is missing; go on after a failure; then print the table.

    Whatever was killed meanwhile, the same command does only what is left: interrupted runs go on from their newest
    whole checkpoint, and their records equal those of an unbroken run. One suite at a time works in a folder: a second
    one is refused. Runs end with their suite, except Slurm's jobs, which the next suite run finds again.
    """
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.report import show_table
    from simmim_eval.cli.watch import Place, SuiteRequest, run_suite, show_failures

    place = Place(executor, jobs, processes, parse_options(slurm_args, "--slurm-args"))
    request = SuiteRequest(suite, data_root, work_dir, seeds, parse_options(cfg_options), tuple(checkpoint or ()))
    failed = run_suite(request, place)
    try:
        show_table(work_dir, suite, work_dir / "tables", "val")
    except (UserError, OSError) as error:
        if not failed:
            raise UserError(f"all runs are recorded, but there is no table: {error}") from error
        typer.echo(f"no table: {error}", err=True)
    if failed:
        show_failures(failed)
        raise typer.Exit(1)


@app.command(epilog=f"Example: simmim-eval suite status suites/demo.py {OPTIONS}")
def status(
    suite: SuiteName,
    data_root: DataRoot,
    work_dir: WorkDir,
    seeds: Seeds = None,
    cfg_options: CfgOptions = None,
    checkpoint: Checkpoints = None,
) -> None:
    """List the runs of a suite: done, running, interrupted, failed and why, or waiting."""
    from simmim_eval.cli.options import parse_options
    from simmim_eval.cli.watch import SuiteRequest, show_status

    show_status(SuiteRequest(suite, data_root, work_dir, seeds, parse_options(cfg_options), tuple(checkpoint or ())))


@app.command(epilog="Example: simmim-eval suite clean suites/demo.py --work-dir work_dirs/demo --yes")
def clean(
    suite: SuiteName,
    work_dir: Annotated[Path, typer.Option(help="Folder of a suite run.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it they are only listed.")] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Also the last weights that no run of the suite starts from.")
    ] = False,
    unplanned: Annotated[
        bool, typer.Option("--unplanned", help="Also folders of runs that are neither planned nor recorded.")
    ] = False,
) -> None:
    """List what a suite left that nothing needs, or remove it.

    That is: checkpoints on the way of completed runs, and files that a killed process had half written. Records,
    attempts, logs and what a record names stay, and so does every planned run that can still go on. The last weights
    of a run (they can be evaluated again) and folders of unknown runs take an option of their own.
    """
    from simmim_eval.cli.watch import clean_suite

    clean_suite(suite, work_dir, yes, weights, unplanned)
