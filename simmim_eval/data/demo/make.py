"""Write the demo data set: garments over photographs, in the on-disk formats of the four benchmarks."""

import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from simmim_eval.data.demo.garments import ASSETS, KINDS
from simmim_eval.data.demo.motion import MOTIONS
from simmim_eval.data.demo.photographs import PHOTOGRAPHS, photographs
from simmim_eval.data.demo.plan import PARTS, SPLITS, Split, count
from simmim_eval.data.demo.writing import Entry, write_item
from simmim_eval.errors import DataError, UserError
from simmim_eval.files import sha256_file, write_atomic

__all__ = ["DEMO_VERSION", "Progress", "make_demo"]

DEMO_VERSION = 1  # raised by hand when the same seed gives other files
Progress = Callable[[str, int, int], None]

_CHUNK = 50  # items a task of a worker
_LICENCE = "LICENSE-fashion-mnist.txt"


def make_demo(
    root: str | os.PathLike[str],
    seed: int = 0,
    scale: float = 1.0,
    progress: Progress | None = None,
    workers: int = 2,
) -> Path:
    """Write the demo data set to ``root``, whole or not at all; return at once where the same one already is.

    The files depend on ``seed`` and ``scale`` only, not on ``workers``.

    Args:
        root: A new or an empty folder.
        seed: At least 0.
        scale: In (0, 1]; the part of the full counts to make. A few items of each class always remain.
        progress: Called with (part, items done, items in the part).
        workers: Processes; with 1 everything happens in this one.

    Raises:
        UserError: ``root`` holds something else, or an argument is out of range.
        DataError: An installed package lacks one of the photographs.
    """
    root = Path(root).absolute()
    _check(seed, scale, workers)
    if _is_made(root, seed, scale):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{root.name}.", dir=root.parent) as temporary:
        tree = Path(temporary, "tree")
        tree.mkdir()
        _write_parts(tree, seed, scale, progress or _silent, workers)
        shutil.copyfile(ASSETS / _LICENCE, tree / _LICENCE)
        manifest = json.dumps(_manifest(tree, seed, scale), indent=1, ensure_ascii=False)
        write_atomic(tree / "manifest.json", manifest + "\n")
        try:
            tree.rename(root)
        except OSError:  # another process was quicker
            if not _is_made(root, seed, scale):
                raise
    return root


def _check(seed: int, scale: float, workers: int) -> None:
    for name, value, good, expected in (
        ("seed", seed, seed >= 0, "a whole number from 0"),
        ("scale", scale, 0 < scale <= 1, "a number above 0 and at most 1"),
        ("workers", workers, workers >= 1, "a whole number from 1"),
    ):
        if not good:
            raise UserError(f"demo data: {name} is {value}; expected {expected}. Give another {name}.")


def _is_made(root: Path, seed: int, scale: float) -> bool:
    """Whether ``root`` holds this very demo; an error if it holds anything else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    wanted = {"version": DEMO_VERSION, "seed": seed, "scale": scale}
    try:
        manifest = json.loads((root / "manifest.json").read_text())
        found = {key: manifest[key] for key in wanted}
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{root}: exists and is not a demo data set (no readable manifest.json). "
            "Give an empty folder or a new name."
        ) from None
    if found != wanted:
        raise DataError(f"{root}: holds the demo data set {found}, not {wanted}. Remove it or give another folder.")
    return True


def _write_parts(tree: Path, seed: int, scale: float, progress: Progress, workers: int) -> None:
    # spawn: threads of this process do no harm, and a forkserver of the caller keeps its own preload
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context) if workers > 1 else nullcontext()
    with pool as executor:
        for part in PARTS:
            splits = [split for split in SPLITS if split.part == part]
            chunks = [chunk for split in splits for chunk in _chunks(split, count(split, scale))]
            run = partial(_write_chunk, tree, seed)
            results = executor.map(run, chunks) if executor is not None else map(run, chunks)
            total, done = sum(len(numbers) for _, numbers in chunks), 0
            entries: dict[str, list[Entry]] = {split.name: [] for split in splits}
            for (split, numbers), written in zip(chunks, results, strict=True):
                entries[split.name] += written
                done += len(numbers)
                progress(part, done, total)
            for split in splits:
                _write_index(tree / part, split, entries[split.name])


def _chunks(split: Split, total: int) -> Iterator[tuple[Split, range]]:
    for start in range(0, total, _CHUNK):
        yield split, range(start, min(start + _CHUNK, total))


def _write_chunk(tree: Path, seed: int, chunk: tuple[Split, range]) -> list[Entry]:
    split, numbers = chunk
    entries = (write_item(tree, seed, split, index) for index in numbers)
    return [entry for entry in entries if entry is not None]


def _write_index(root: Path, split: Split, entries: list[Entry]) -> None:
    """The file that lists a split, for the parts that have one."""
    if split.part == "coco":
        write_atomic(root / "annotations" / f"instances_{split.name}.json", json.dumps(_coco_index(split, entries)))
    elif split.part == "kinetics":
        lines = "".join(f"{entry['name']} {entry['label']}\n" for entry in entries)
        write_atomic(root / f"kinetics400_{split.name}_list_videos.txt", lines)


def _coco_index(split: Split, entries: Iterable[Entry]) -> dict[str, Any]:
    entries = list(entries)
    return {
        "info": {"description": f"simmim-eval demo, {split.name}", "version": str(DEMO_VERSION)},
        "licenses": [{"id": 1, "name": "MIT (garments); photographs: see manifest.json", "url": ""}],
        "images": [entry["image"] for entry in entries],
        "annotations": list(chain.from_iterable(entry["annotations"] for entry in entries)),
        "categories": [{"id": i, "name": name, "supercategory": "garment"} for i, name in enumerate(KINDS, 1)],
    }


def _manifest(tree: Path, seed: int, scale: float) -> dict[str, Any]:
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    listing = "".join(f"{path.relative_to(tree).as_posix()} {sha256_file(path)}\n" for path in files)
    groups = sorted({split.group for split in SPLITS})
    return {
        "version": DEMO_VERSION,
        "seed": seed,
        "scale": scale,
        "counts": {part: {s.name: count(s, scale) for s in SPLITS if s.part == part} for part in PARTS},
        "groups": {part: {s.name: s.group for s in SPLITS if s.part == part} for part in PARTS},
        "photographs": {group: [photograph.name for photograph in photographs(group)] for group in groups},
        "motions": MOTIONS,
        "attributions": {
            "garments": "Fashion-MNIST, copyright 2017 Zalando SE, MIT; see " + _LICENCE,
            "photographs": [asdict(photograph) for photograph in PHOTOGRAPHS],
        },
        "files": len(files),
        "listing_sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }


def _silent(part: str, done: int, total: int) -> None:
    pass
