"""``simmim-eval data check``: whether the data are what a run needs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from simmim_eval.data.check import Group, Report

__all__ = ["EXAMPLE", "check"]

EXAMPLE = "Example: simmim-eval data check ade20k data/ade/ADEChallengeData2016 --full --workers 8"
SHOWN = 3  # files of each kind that are printed


def check(
    dataset: Annotated[str, typer.Argument(help="imagenet, coco, ade20k or k400.")],
    root: Annotated[Path, typer.Argument(help="Folder of the data; nothing is written into it.")],
    full: Annotated[
        bool, typer.Option("--full/--quick", help="Open every file; or names, counts, sizes and annotations only.")
    ] = False,
    own: Annotated[
        bool | None,
        typer.Option(
            "--own/--official", help="Count a set of your own; or expect the published counts. Default: by its size."
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that open files; default: one a core.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Results of unchanged files; default: in ~/.cache.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole report, every file named, here.")] = None,
) -> None:
    """Check a data set as its readers will read it; exit code 1 for what would stop a run or spoil its number."""
    import os

    import msgspec
    from rich.console import Console

    from simmim_eval.cli.progress import stage_bars
    from simmim_eval.data.check import check_data
    from simmim_eval.files import write_atomic

    console = Console(soft_wrap=True, highlight=False)
    official = None if own is None else not own
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    with stage_bars(console) as progress:
        report = check_data(
            dataset, root, full=full, official=official, workers=workers, cache=cache, progress=progress
        )
    _print(console, report)
    if json:
        write_atomic(json, msgspec.json.format(msgspec.json.encode(report)), overwrite=True)
    raise typer.Exit(0 if report.is_clean else 1)


def _print(console: "Console", report: "Report") -> None:
    held = "counts held against the published ones" if report.official else "a set of your own: counts are only told"
    console.print(f"{report.dataset}, {report.mode} check of {report.root} ({held})", markup=False)
    for count in report.counts:
        official = "" if count.official is None else f" of {count.official:,}"
        console.print(f"  {count.what:<26} {count.found:>11,}{official}", markup=False)
    for name, fact in report.facts.items():
        console.print(f"  {name}: {_short(fact)}", markup=False)
    console.print(f"  files opened {report.examined:,}, known from earlier checks {report.cached:,}")
    for group in report.groups:
        _print_group(console, group)
    faults = sum(len(group.findings) for group in report.groups if group.severity == "fault")
    console.print(f"{faults:,} faults" if faults else "clean", style="red" if faults else "green")


def _print_group(console: "Console", group: "Group") -> None:
    style = "red" if group.severity == "fault" else "yellow"
    console.print(f"{group.severity}: {len(group.findings):,} {group.title}", style=style, markup=False)
    for finding in group.findings[:SHOWN]:
        detail = "" if finding.detail.startswith(finding.where) else f"{finding.where}: "
        console.print(f"    {detail}{finding.detail}".rstrip(": "), markup=False)
    if len(group.findings) > SHOWN:
        console.print(f"    and {len(group.findings) - SHOWN:,} more (--json FILE names all)", markup=False)
    console.print(f"  mend: {group.mend}", markup=False)


def _short(fact: object, most: int = 8) -> str:
    """A histogram on one line, cut."""
    if not isinstance(fact, dict):
        return str(fact)
    shown = ", ".join(f"{key}: {value:,}" for key, value in list(fact.items())[:most])
    return shown + (f", and {len(fact) - most} more" if len(fact) > most else "")
