"""``simmim-eval doctor``: what is wrong with the installation, and what mends it."""

from typing import Annotated

import typer

__all__ = ["EXAMPLE", "doctor"]

EXAMPLE = "Example: simmim-eval doctor --quick"
WORST_LAST = ("ok", "warning", "fault")
STYLES = {"ok": "green", "optional": "dim", "warning": "yellow", "fault": "red", "missing": "red", "unsupported": "red"}
INDENT = " " * 9
PIPED_WIDTH = 100


def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Read metadata and files only; import nothing.")] = False,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that one import may take.")] = 30,
) -> None:
    """Say what is installed, what is missing or broken, and the line that mends it; exit code 1 if something is."""
    import sys
    import textwrap

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from simmim_eval import __version__
    from simmim_eval.doctor import examine

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    with console.status("reading metadata" if quick else "importing the libraries") as status:
        found = examine(imports=not quick, limit=time_limit, progress=lambda name: status.update(f"tried {name}"))
    console.print(f"simmim-eval {__version__}, {sys.executable}\n", soft_wrap=True)
    packages = Table("package", "installed", "supported", "state", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for one in found.packages:
        packages.add_row(one.name, one.version or "–", one.supported or "any", Text(one.state, STYLES[one.state]))
    console.print(packages)
    for finding in sorted(found.findings, key=lambda one: WORST_LAST.index(one.kind)):
        head = f"{finding.kind:<{len(INDENT)}}{finding.subject}: {finding.what}"
        # Paths stay whole.
        lines = textwrap.wrap(
            head, console.width, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
        )
        text = Text("\n".join(["", *lines]))
        text.stylize(STYLES[finding.kind], 1, 1 + len(finding.kind))
        if finding.mend:  # whole, to be copied
            text.append(f"\n{INDENT}{finding.mend}", style="bold")
        console.print(text, soft_wrap=True)
    faults, warnings = found.count("fault"), found.count("warning")
    console.print(f"\n{faults} fault{'s' * (faults != 1)}, {warnings} warning{'s' * (warnings != 1)}")
    if faults:
        raise typer.Exit(1)
