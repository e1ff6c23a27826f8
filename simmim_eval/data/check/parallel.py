"""Many files examined by several processes, each started anew, so that threads and decoders of this one do no harm.

A decoder can kill its process over a broken file. The files that were under way are then examined one by one, the one
that kills again is the finding, and the rest go on.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType

from simmim_eval.data.check.examine import Examined, examine_chunk

__all__ = ["Examiners"]

CHUNK = 32  # files a task
WAITING = 2  # tasks a process that are under way or wait
FEW = 256  # files up to which the start of other processes costs more than it gains
Chunk = list[str]
Work = Callable[[str, Chunk], list[Examined]]


class Examiners:
    """Processes that open files; they start with the first need and stay until the end.

    Args:
        workers: Their number; 1 means this process itself.
        work: Examines some files; a function of a module, which a new process can import.
        few: Up to so many files are examined in this process.
    """

    def __init__(self, workers: int, work: Work = examine_chunk, few: int = FEW) -> None:
        self.workers, self.work, self.few = workers, work, few
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Examiners":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def examine(self, examiner: str, paths: Sequence[str]) -> Iterator[tuple[Chunk, list[Examined]]]:
        """Examine files in no certain order; yields some files and their results as they come.

        Args:
            examiner: One of ``EXAMINERS``.
            paths: The files.
        """
        chunks = [list(paths[start : start + CHUNK]) for start in range(0, len(paths), CHUNK)]
        if self.workers == 1 or len(paths) <= self.few:
            for chunk in chunks:
                yield chunk, self.work(examiner, chunk)
            return
        while chunks:
            under_way: dict[Future[list[Examined]], Chunk] = {}
            try:
                yield from self._share(examiner, chunks, under_way)
            except BrokenProcessPool:
                self._close()
                yield from self._one_by_one(examiner, [path for chunk in under_way.values() for path in chunk])

    def _share(
        self, examiner: str, chunks: list[Chunk], under_way: dict[Future[list[Examined]], Chunk]
    ) -> Iterator[tuple[Chunk, list[Examined]]]:
        """Take chunks from the list until it is empty; what a dying process leaves undone stays in ``under_way``."""
        self._pool = self._pool or _pool(self.workers)
        while chunks or under_way:
            while chunks and len(under_way) < WAITING * self.workers:
                under_way[self._pool.submit(self.work, examiner, chunks[-1])] = chunks[-1]
                chunks.pop()  # not before: a broken pool takes nothing
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                results = future.result()
                yield under_way.pop(future), results

    def _one_by_one(self, examiner: str, paths: Chunk) -> Iterator[tuple[Chunk, list[Examined]]]:
        while paths:
            with _pool(1) as pool:
                while paths:
                    path = paths.pop()
                    try:
                        yield [path], pool.submit(self.work, examiner, [path]).result()
                    except BrokenProcessPool:
                        fault = ("crash", f"{path}: decoding it kills the process. Replace the file.")
                        yield [path], [Examined(faults=[fault])]
                        break

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
