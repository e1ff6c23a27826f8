"""Whether the data on a disk are what a run needs, found before the run: see :func:`check_data`.

=================  =====================================================================================
``imagenet``       class folders: counts, classes that differ, every image decoded
``coco``           instances JSON and images: entries, ids, boxes, sizes
``ade20k``         images and label maps: pairs, sizes, label range and offset by the histogram
``k400``           lists or csv and videos: missing, broken, short, folders of frames
=================  =====================================================================================

A data set is one small file and one line in :data:`CHECKS`. The files are read by the functions that training reads
with, so a check finds what a run would stop at.
"""

import os
from collections.abc import Callable
from pathlib import Path

from simmim_eval.data.check.ade20k import check_ade20k
from simmim_eval.data.check.cache import ResultCache, default_cache
from simmim_eval.data.check.coco import check_coco
from simmim_eval.data.check.imagenet import check_imagenet
from simmim_eval.data.check.kinetics import check_kinetics
from simmim_eval.data.check.parallel import Examiners
from simmim_eval.data.check.report import Count, Finding, Group, Report
from simmim_eval.data.check.session import Progress, Session
from simmim_eval.data.layout import require_folder
from simmim_eval.errors import ConfigError, nearest

__all__ = ["CHECKS", "Count", "Finding", "Group", "Progress", "Report", "check_data"]

CHECKS: dict[str, Callable[[Session], None]] = {
    "imagenet": check_imagenet,
    "coco": check_coco,
    "ade20k": check_ade20k,
    "k400": check_kinetics,
}


def check_data(
    dataset: str,
    root: str | os.PathLike[str],
    *,
    full: bool = False,
    official: bool | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a data set without writing into it.

    Args:
        dataset: One of :data:`CHECKS`.
        root: Folder of the data.
        full: Decode every image and label map and open every video; else only names, counts, sizes and annotations.
        official: Hold the counts against the published ones; None does so where at least half of the files are there.
        workers: Processes that open files.
        cache: File for the results of unchanged files; None takes one in the user's cache folder.
        progress: Called with (stage, done, total).

    Raises:
        ConfigError: There is no such data set, or ``workers`` is below 1.
        DataError: ``root`` is no folder, or not of this layout.
        UserError: The cache cannot be used.
    """
    if dataset not in CHECKS:
        raise ConfigError(f"data check {dataset}: no such data set; {nearest(dataset, CHECKS)}")
    if workers < 1:
        raise ConfigError(f"--workers {workers}: expected a whole number from 1.")
    root = require_folder(root, f"the root of {dataset}")
    with ResultCache(cache or default_cache(root), root) as known, Examiners(workers) as examiners:
        session = Session(
            root, full=full, official=official, examiners=examiners, cache=known, progress=progress or _silent
        )
        CHECKS[dataset](session)
    return session.report(dataset)


def _silent(stage: str, done: int, total: int) -> None:
    del stage, done, total
