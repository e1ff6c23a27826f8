"""Dry runs on the terminal: of a recipe, or of all runs of a suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simmim_eval.engine.dry_run import TRAINING_PASSES, DataSize, DryRun, dry_run
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.recipe import class_name, find_config, read_config
from simmim_eval.errors import ConfigError
from simmim_eval.launch.forecast import ForecastRow, forecast
from simmim_eval.launch.suite import read_suite

__all__ = ["PlanRequest", "print_plan", "sized_console"]

WIDTH = 100  # columns off a terminal
GIB = 2**30
GIGA, TERA, PETA = 1e9, 1e12, 1e15


@dataclass(frozen=True)
class PlanRequest:
    """What to plan, as the options say.

    Attributes:
        name: A recipe or a suite.
        options: ``--cfg-options``.
        init: Of a recipe.
        seeds: Of a suite; None: its own.
        checkpoints: Of a suite, ``KIND=CHECKPOINT``.
        processes: Of each run.
        data_root: Where data are counted.
        tflops: Sustained; None: no time is told.
    """

    name: str
    options: Mapping[str, Any]
    init: str | None = None
    seeds: int | None = None
    checkpoints: tuple[str, ...] = ()
    processes: int = 1
    data_root: Path | None = None
    tflops: float | None = None


def print_plan(request: PlanRequest) -> None:
    """Plan a recipe or a suite, whichever the file is, and print it.

    Raises:
        UserError: As :func:`~simmim_eval.engine.dry_run.dry_run`; or an option is for the other kind of file.
    """
    console = sized_console()
    if "arms" in read_config(find_config(request.name)):
        _plan_suite(console, request)
    else:
        _plan_recipe(console, request)


def sized_console() -> Console:
    """The terminal as it is; into a file or a pipe as wide as is easy to read."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _plan_recipe(console: Console, request: PlanRequest) -> None:
    if request.seeds is not None or request.checkpoints:
        raise ConfigError(f"--seeds and --checkpoint are for suites; {request.name} is a recipe. Remove the option.")
    init = InitSource.parse(request.init) if request.init is not None else None
    with console.status("planning"):
        plan = dry_run(
            request.name, request.options, processes=request.processes, data_root=request.data_root, init=init
        )
    config = plan.config
    console.print(f"[bold]{plan.path.name}[/bold]: {config.task}, {config.title}, {config.data}", highlight=False)
    table = Table.grid("", "", padding=(0, 2))
    for name, lines in _sections(plan, init, request.tflops).items():
        table.add_row(name, "\n".join(lines))
    console.print(table, highlight=False, markup=False)


def _plan_suite(console: Console, request: PlanRequest) -> None:
    if request.init is not None:
        raise ConfigError(
            f"--init {request.init}: {request.name} is a suite, which states its initialisations. Remove the option; "
            "--checkpoint gives weights that are there."
        )
    given = [InitSource.parse(text) for text in request.checkpoints]
    suite = read_suite(request.name, {init.kind: init.source for init in given if init.source})
    with console.status("planning"):
        rows = forecast(suite, request.seeds, request.options, processes=request.processes, data_root=request.data_root)
    _print_suite(console, suite.title, rows, request.tflops)


def _sections(plan: DryRun, init: InitSource | None, tflops: float | None) -> dict[str, list[str]]:
    """What is printed of a dry run: a word, and its lines."""
    frozen = sum(group.parameters for group in plan.groups if group.name == "frozen")
    batch, length = plan.batch, plan.length
    epochs = "" if length.epochs is None else f" = {length.epochs:,.4g} epochs"
    sections = {
        "model": [
            f"{plan.backbone + plan.rest:,} parameters: backbone {plan.backbone:,}, rest {plan.rest:,}"
            + (f"; frozen {frozen:,}" if frozen else "")
        ],
        "init": [str(init), *([plan.init] if plan.init else [])] if init else [],
        "forward": [
            f"{_mac(plan.train_flops)} a training sample: {plan.train_size}",
            f"{_mac(plan.test_flops)} an evaluated one: {'; '.join(map(str, plan.test_sizes))}",
            *plan.notes,
        ],
        "batch": [
            f"{batch.effective} a step = {batch.processes} {'process' if batch.processes == 1 else 'processes'} × "
            f"micro-batch {batch.micro} × accumulation {batch.accumulation}"
        ],
        "length": [f"{length.steps:,} steps{epochs} = {length.images:,} samples", f"warm-up: {plan.warm_up}"],
        "optimiser": _optimizer(plan),
        "memory": _memory(plan),
        "data": [_data(plan.data), f"parts of --data-root: {', '.join(plan.data.parts)}"],
        "work": [
            f"{_work(plan.flops)} (a multiply-add is 2): {TRAINING_PASSES} forward passes a training sample, one an "
            "evaluated one"
        ],
    }
    if tflops:
        sections["time"] = [f"{_hours(plan.flops, tflops)} at {tflops:g} TFLOP/s, if the data come fast enough"]
    return {name: lines for name, lines in sections.items() if lines}


def _optimizer(plan: DryRun) -> list[str]:
    trained = [group for group in plan.groups if group.name != "frozen"]
    rates = [group.lr for group in trained]
    depths = {group.layer for group in trained if group.layer is not None}
    first, last = (min(depths), max(depths)) if depths else (None, None)
    lines = [
        f"{class_name(plan.config.optim_wrapper.optimizer)}, rate {plan.config.optim_wrapper.optimizer.lr:g}, "
        f"weight decay {max(group.weight_decay for group in trained):g}, {len(trained)} groups"
    ]
    if len(depths) > 1:
        stem, head = (next(one.lr for one in trained if one.layer == layer) for layer in (first, last))
        lines.append(f"{len(depths)} layers: rate of the stem {stem:.4g}, of the head {head:.4g}")
    elif len(set(rates)) > 1:
        lines.append(f"rates from {min(rates):.4g} to {max(rates):.4g}")
    return lines


def _memory(plan: DryRun) -> list[str]:
    used = "fp32" if plan.precision == "fp32" else "amp"
    memory, other = plan.memory, {"fp32": "amp", "amp": "fp32"}[used]
    state = "not known" if memory.optimizer is None else f"{memory.optimizer / GIB:.2f}"
    parts = [
        f"parameters {memory.parameters / GIB:.2f}",
        f"gradients {memory.gradients / GIB:.2f}",
        f"optimiser {state}",
        f"activations {memory.activations[used] / GIB:.2f}",
    ]
    return [
        f"{memory.total(used) / GIB:.2f} GiB a process in {plan.precision}; {memory.total(other) / GIB:.2f} in {other}",
        f"= {' + '.join(parts)}",
        "activations: saved by the forward pass of a micro-batch, attention fused; work space is extra",
    ]


def _data(size: DataSize) -> str:
    if size.counted:
        return f"{size.train:,} to train on, {size.val:,} to evaluate (counted)"
    absent = "" if size.missing is None else f"; {size.missing} is not there"
    if size.published is None:
        return f"of a size that is not known here{absent or ': give --data-root'}"
    about = "" if size.published.exact else "about "
    return (
        f"{size.published.title}: {about}{size.train:,} {size.published.items} to train on, {about}{size.val:,} to "
        f"evaluate, about {size.published.gigabytes:g} GB (as published{absent})"
    )


def _print_suite(console: Console, title: str, rows: Sequence[ForecastRow], tflops: float | None) -> None:
    unit, name = (PETA, "PFLOP") if sum(row.flops for row in rows) > PETA else (TERA, "TFLOP")
    table = Table("runs", "what", "needs the run", "steps", "samples", name, *(["time"] if tflops else []), box=None)
    for column in (table.columns[0], *table.columns[3:]):
        column.justify, column.no_wrap = "right", True
    table.columns[1].no_wrap = True
    for row in rows:
        table.add_row(*_suite_cells(row, unit, tflops))
    table.add_section()
    runs, flops = sum(row.runs for row in rows), sum(row.flops for row in rows)
    cells = [_many(sum(row.images for row in rows)), _short(flops / unit), *_time(flops, tflops)]
    table.add_row(str(runs), "runs in all", "", "", *cells, style="bold")
    console.print(title, style="bold", highlight=False)
    console.print(table, highlight=False)
    for source in dict.fromkeys(row.checkpoint for row in rows if row.checkpoint):
        console.print(f"given: {source}", highlight=False, markup=False)
    for recipe, row in {row.recipe: row for row in rows}.items():
        console.print(recipe, highlight=False, markup=False)
        for line in (_data(row.plan.data), *row.plan.notes):
            console.print(Padding(Text(line), (0, 0, 0, 4)))


def _suite_cells(row: ForecastRow, unit: float, tflops: float | None) -> list[str]:
    if row.cited:
        return ["–", row.label, f"cited: {row.cited.value:g}"]
    if row.same_as:
        return ["–", row.label, f"is {row.same_as}"]
    cells = [f"{row.plan.length.steps:,}", _many(row.images), _short(row.flops / unit), *_time(row.flops, tflops)]
    return [f"{row.runs} ×", row.label, row.needs or "", *cells]


def _time(flops: int, tflops: float | None) -> list[str]:
    return [_hours(flops, tflops)] if tflops else []


def _many(number: int) -> str:
    return f"{number / 1e6:,.1f} M" if number >= 1e7 else f"{number:,}"


def _work(flops: int) -> str:
    return f"{_short(flops / PETA)} PFLOP" if flops > PETA else f"{_short(flops / TERA)} TFLOP"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def _hours(flops: int, tflops: float) -> str:
    seconds = flops / TERA / tflops
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h" if seconds < 100 * 3600 else f"{seconds / 86400:,.1f} days"


def _mac(flops: int) -> str:
    number = flops / 2 / GIGA
    return f"{number:,.0f} GMAC" if number >= 1000 else f"{number:.4g} GMAC"
