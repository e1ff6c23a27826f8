"""What the checks of all data sets share: the root, the walk over its files, the findings, the examined files."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from simmim_eval.data.check.cache import ResultCache, Stamp
from simmim_eval.data.check.examine import Examined
from simmim_eval.data.check.kinds import KINDS
from simmim_eval.data.check.parallel import Examiners
from simmim_eval.data.check.report import Count, Finding, Report, grouped
from simmim_eval.data.layout import walk_files
from simmim_eval.errors import DataError, printable

__all__ = ["Progress", "Session"]

Progress = Callable[[str, int, int], None]
"""Called with (stage, files done, files in the stage)."""


class Session:
    """One check of one data set, from the first file to the report.

    Args:
        root: The folder of the data; nothing is written into it.
        full: Open every file, not only the annotations.
        official: Hold the counts against the published ones; None decides it by what is there.
        examiners: Processes that open files.
        cache: Results of earlier checks.
        progress: Told of each stage.
    """

    def __init__(
        self,
        root: Path,
        *,
        full: bool,
        official: bool | None,
        examiners: Examiners,
        cache: ResultCache,
        progress: Progress,
    ) -> None:
        self.root, self.full = root, full
        self.declared = official
        self.official = bool(official)
        self.facts: dict[str, Any] = {}
        self.endless: set[Path] = set()  # links that lead back, which the walk left out
        self._cache, self._examiners, self._progress = cache, examiners, progress
        self._counts: list[Count] = []
        self._findings: dict[str, list[Finding]] = {}
        self._stamps: dict[str, Stamp] = {}
        self._examined = self._cached = 0

    def add(self, kind: str, where: str | os.PathLike[str], detail: str = "") -> None:
        """Note a finding; a path under the root is shown without it."""
        if kind not in KINDS:
            raise KeyError(kind)
        self._findings.setdefault(kind, []).append(Finding(self.shown(where), printable(self._short(detail))))

    def add_fault(self, fault: DataError, where: str | os.PathLike[str] = "") -> None:
        """Note what a reader said; ``where`` where the message begins with another file's name."""
        text = str(fault)
        self.add(fault.kind, where or text.partition(": ")[0], text)

    def count(self, what: str, found: int, official: int | None = None) -> None:
        """Note a count; one that is not the official number is a fault, in an official set."""
        official = official if self.official else None
        self._counts.append(Count(what, found, official))
        if official is not None and found != official:
            self.add("count", what, f"{found:,} found, {official:,} in the official data")

    def decide(self, found: int, published: int) -> None:
        """Take the set for the official one if at least half of its number of files is there, unless it was said."""
        if self.declared is None and 2 * found >= published:
            self.official = True

    def walk(self, folder: Path) -> list[str]:
        """All files under a folder that is there, sorted by folder; notes links, names and sizes that are wrong."""
        files = []
        for path, found in walk_files(folder, self._add_link):
            name = os.fspath(path)
            files.append(name)
            self._stamps[name] = (found.st_size, found.st_mtime_ns)
            if printable(name) != name:
                self.add("name-not-utf8", name)
            if found.st_size == 0 and not path.name.startswith("."):
                self.add("empty-file", name)
        return files

    def examine(self, stage: str, examiner: str, paths: Iterable[str]) -> Iterator[tuple[str, Examined]]:
        """Examine files that :meth:`walk` found, and note their faults; those of 0 bytes are left out.

        Yields each path with its result, the known ones first.
        """
        stamps = {path: self._stamps[path] for path in paths if path in self._stamps and self._stamps[path][0]}
        unknown, done = [], 0
        for path, known in zip(stamps, self._cache.find(examiner, stamps.items()), strict=True):
            if known is None:
                unknown.append(path)
                continue
            done += 1
            yield path, self._noted(path, known)
        self._cached += done
        self._progress(stage, done, len(stamps))
        for chunk, results in self._examiners.examine(examiner, unknown):
            self._cache.keep(examiner, ((p, stamps[p], r) for p, r in zip(chunk, results, strict=True)))
            done += len(chunk)
            self._examined += len(chunk)
            self._progress(stage, done, len(stamps))
            for path, result in zip(chunk, results, strict=True):
                yield path, self._noted(path, result)

    def shown(self, where: str | os.PathLike[str]) -> str:
        """A path as a reader sees it: relative to the root, any byte printable."""
        return printable(self._short(os.fspath(where)))

    def report(self, dataset: str) -> Report:
        """Everything that was found."""
        return Report(
            dataset=dataset,
            root=printable(os.fspath(self.root)),
            mode="full" if self.full else "quick",
            official=self.official,
            counts=self._counts,
            groups=grouped(self._findings),
            facts=self.facts,
            examined=self._examined,
            cached=self._cached,
        )

    def tally(self, name: str, values: Mapping[str, int]) -> None:
        """Keep a histogram, the most frequent first."""
        self.facts[name] = dict(sorted(values.items(), key=lambda item: -item[1]))

    def _add_link(self, path: Path, fault: DataError) -> None:
        self.add_fault(fault, path)
        if fault.kind == "link-loop":
            self.endless.add(path)

    def _noted(self, path: str, result: Examined) -> Examined:
        for kind, message in result.faults:
            self.add(kind, path, message)
        return result

    def _short(self, text: str) -> str:
        return text.replace(f"{self.root}{os.sep}", "")
