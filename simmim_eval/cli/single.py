"""What ``pretrain`` and ``transfer`` share: one run in this process, then its numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from simmim_eval import compat
from simmim_eval.cli.progress import stage_bars
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest
from simmim_eval.launch.distributed import is_main, join
from simmim_eval.launch.leash import leash_forks
from simmim_eval.launch.run import run
from simmim_eval.records import Metric
from simmim_eval.results.store import Store

__all__ = ["own_console", "print_metrics", "run_single"]


def run_single(
    config: str,
    init: str,
    data_root: Path,
    work_dir: Path,
    seed: int,
    split: str,
    options: Mapping[str, Any],
    resume: bool,
    amp: bool,
    launcher: str,
) -> None:
    """Run, and say what came out and where it lies."""
    join(launcher)
    compat.install()
    leash_forks()
    console, store = own_console(), Store(work_dir)
    if amp:
        options = {**options, "optim_wrapper.type": "AmpOptimWrapper"}
    request = RunRequest(config, InitSource.parse(init), data_root, seed, split, options)
    with stage_bars(console) as progress:
        record = run(request, store, resume=resume, progress=progress)
    print_metrics(console, record.metrics)
    console.print(f"record      {store.record_path(record.run_id)}", soft_wrap=True, highlight=False)
    for name, path in record.artifacts.items():
        console.print(f"{name:<11} {store.root / path}", soft_wrap=True, highlight=False)


def own_console() -> Console:
    """The terminal; of several processes of a run only the main one writes there."""
    return Console(quiet=not is_main())


def print_metrics(console: Console, metrics: tuple[Metric, ...]) -> None:
    """One line a metric: value, standard error over images, floor."""
    for metric in metrics:
        error = "" if metric.std_error is None else f" ± {metric.std_error:.4g} over {metric.num_samples} images"
        floor = "" if metric.floor is None else f" (floor {metric.floor:.4g})"
        console.print(f"{metric.name:<18} {metric.value:.6g} {metric.unit}{error}{floor}", highlight=False)
