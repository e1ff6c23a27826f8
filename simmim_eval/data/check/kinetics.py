"""Kinetics-400, and any set of videos with mmaction2's lists or the official csv files.

No two copies of Kinetics are alike, as its videos vanish from where they came: how many a list has is recorded, and
only what a list names must be there.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simmim_eval.data.check.session import Session
from simmim_eval.data.kinetics_list import Clip, read_csv, read_list
from simmim_eval.data.layout import absent_files, require_folder
from simmim_eval.errors import DataError

__all__ = ["check_kinetics"]

CLASSES = 400
# mmaction2, tools/data/kinetics/README.md: the copy on which all its published numbers were measured.
KNOWN_COPY = {"train": 240_436, "val": 19_796}
LIST = "_list_videos.txt"
FRAMES = ("rawframes*", "*_list_rawframes.txt")
LONGEST = 64  # frames that the longest clip of the recipes spans: 32 of every second, or 8 of every eighth


def check_kinetics(session: Session) -> None:
    """Check ``*SPLIT_list_videos.txt`` or ``SPLIT.csv`` with the videos in ``videos_SPLIT/`` or ``SPLIT/``.

    Raises:
        DataError: The root has no list of videos.
    """
    lists = _lists(session.root)
    clips = {split: _read(session, split, path) for split, path in lists.items()}
    names = {split: found[1] for split, found in clips.items() if found and found[1]}
    classes = max((clip.label + 1 for found in clips.values() if found for clip in found[0]), default=0)
    session.official = session.declared if session.declared is not None else classes == CLASSES
    for split in KNOWN_COPY if session.official else ():
        if split not in lists:
            session.add("missing", session.root / f"kinetics400_{split}{LIST}")
    for split, found in clips.items():
        if found is not None:
            _check_split(session, split, lists[split], found[0], classes)
    everywhere = {name for listed in names.values() for name in listed}
    for split, listed in names.items():
        for name in sorted(everywhere.difference(listed)):
            session.add("classes-differ", lists[split], f"has no video of {name!r}, so the labels of its csv differ")


def _lists(root: Path) -> dict[str, Path]:
    """Split to its list; a list of mmaction2's form before a csv."""
    found = {path.stem: path for path in sorted(root.glob("*.csv"))}
    for path in sorted(root.glob(f"*{LIST}")):
        found[path.name.removesuffix(LIST).rpartition("_")[2]] = path
    if not found:
        frames = next((path for pattern in FRAMES for path in sorted(root.glob(pattern))), None)
        hint = f" {frames.name} is of single frames; the video files are needed." if frames else ""
        raise DataError(f"{root}: holds no list of videos. Expected kinetics400_train{LIST}, or train.csv.{hint}")
    return found


def _folder(root: Path, split: str) -> Path:
    choices = (root / f"videos_{split}", root / split, root / "videos")
    return next((folder for folder in choices if folder.is_dir()), choices[0])


def _read(session: Session, split: str, path: Path) -> tuple[list[Clip], Sequence[str]] | None:
    try:
        folder = require_folder(_folder(session.root, split), f"the videos of {path.name}")
        return read_csv(path, folder, None) if path.suffix == ".csv" else (read_list(path, folder), ())
    except DataError as error:
        session.add("frame-folder" if error.kind == "frame-folder" else "annotations", path, str(error))
        return None


def _check_split(session: Session, split: str, path: Path, clips: list[Clip], classes: int) -> None:
    seen: dict[str, Clip] = {}
    for clip in clips:
        earlier = seen.setdefault(clip.path, clip)
        if earlier is not clip:
            labels = f", as {earlier.label} and {clip.label}" if earlier.label != clip.label else ""
            session.add("duplicate-file", clip.path, f"lines {earlier.line} and {clip.line} of {path.name}{labels}")
    files = session.walk(_folder(session.root, split))
    absent = absent_files(seen)
    for name in absent:
        session.add("missing", name, f"line {seen[name].line} of {path.name}")
    frames = sorted(set(seen).difference(files, absent, map(str, session.endless)))  # folders: walked, but no files
    for name in frames:
        session.add("frame-folder", name)
    per_class = Counter(clip.label for clip in clips)
    for label in range(classes):
        if not per_class[label]:
            session.add("absent-class", path, f"label {label}")
    for name in sorted(set(files).difference(seen)):
        if not Path(name).name.startswith(".") and name.lower().endswith((".mp4", ".avi", ".mkv", ".webm")):
            session.add("unused", name)
    session.count(f"{split} videos listed", len(clips))
    session.count(f"{split} videos there", len(seen) - len(absent) - len(frames))
    session.count(f"{split} classes", len(per_class), CLASSES)
    _compare(session, split, path, len(clips))
    if session.full:
        _check_videos(session, split, list(seen))


def _compare(session: Session, split: str, path: Path, listed: int) -> None:
    known = KNOWN_COPY.get(split)
    if not session.official or known is None:
        return
    if listed == known:
        session.facts[f"copy of {split}"] = "as long as mmaction2's copy"
    elif listed < known:
        session.add("incomplete", path, f"{listed:,} videos; mmaction2's copy has {known:,}")
    else:
        session.facts[f"copy of {split}"] = f"{listed - known:,} videos more than mmaction2's copy"


def _check_videos(session: Session, split: str, paths: list[str]) -> None:
    frames = []
    for path, result in session.examine(f"{split} videos", "video", paths):
        if result.facts:
            frames.append(result.facts["frames"])
            if frames[-1] < LONGEST:
                session.add("short-video", path, f"{frames[-1]} frames")
    if frames:
        session.facts[f"frames of {split} videos"] = {"least": min(frames), "most": max(frames)}
