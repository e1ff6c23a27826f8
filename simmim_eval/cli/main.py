"""The commands together, and the one place where a user's fault becomes a message and exit code 2."""

import sys
import warnings

import typer
from rich.console import Console

from simmim_eval import __version__
from simmim_eval.cli import data, doctor, evaluate, inspect, plan, pretrain, suite, table, transfer, verify
from simmim_eval.errors import UserError

__all__ = ["main"]

INTERRUPTED = 130  # typer's exit code for Ctrl-C

app = typer.Typer(
    help="Does SimMIM pre-training beat supervised initialisation on the tasks that matter?",
    epilog="Example: simmim-eval suite run suites/demo.py --data-root data/demo --work-dir work_dirs/demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=pretrain.EXAMPLE)(pretrain.pretrain)
app.command(epilog=transfer.EXAMPLE)(transfer.transfer)
app.command(epilog=evaluate.EXAMPLE)(evaluate.evaluate)
app.command(epilog=table.EXAMPLE)(table.table)
app.command(epilog=plan.EXAMPLE)(plan.plan)
app.command(epilog=inspect.EXAMPLE)(inspect.inspect)
app.command(epilog=doctor.EXAMPLE)(doctor.doctor)
app.command(epilog=verify.EXAMPLE)(verify.verify)
app.add_typer(suite.app, name="suite")
app.add_typer(data.app, name="data")


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; exit code 2 for a fault that the user can mend, 130 for Ctrl-C."""
    # What a user cannot mend: mmengine imports pkg_resources, and the libraries use what they call deprecated.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated")
    warnings.filterwarnings("ignore", category=UserWarning, module="mm(engine|cv|det|seg|action)")
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        app()
    except UserError as error:
        console.print(f"error: {error}", style="red", markup=False)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            console.print("interrupted; the attempt is kept", style="yellow")
        raise
