"""The two annotation formats of Kinetics: mmaction's list of videos and the official csv."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from simmim_eval.errors import DataError, nearest

__all__ = ["Clip", "read_csv", "read_list"]

_COLUMNS = ("label", "youtube_id", "time_start", "time_end")
# What mmaction's scripts/kinetics renaming takes out of a class name to make its folder.
_RENAMED = str.maketrans({" ": "_", "(": None, ")": None, "'": None})


class Clip(NamedTuple):
    """One video: its file, its label (from 0), and the line of the annotation file that names it."""

    path: str
    label: int
    line: int


def read_list(path: Path, folder: Path) -> list[Clip]:
    """Read lines ``path label``; a path may hold spaces and is relative to ``folder``; blank lines do not count."""
    clips = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.isdecimal():
            raise DataError(
                f"{path}, line {number}: {line.strip()!r} is not 'path label' with a label of 0 or more. "
                "Correct the line."
            )
        _refuse_frames(path, number, folder, name.strip())
        clips.append(Clip(os.path.join(folder, name.strip()), int(label), number))
    return _not_empty(clips, path)


def read_csv(path: Path, folder: Path, classes: Sequence[str] | None) -> tuple[list[Clip], tuple[str, ...]]:
    """Read the official csv (columns label, youtube_id, time_start, time_end; others are not needed).

    Args:
        path: The csv.
        folder: Folder of the label folders; these are named by the label, or as mmaction renames it
            (``playing_guitar``).
        classes: Names in the order of the labels; None takes the sorted names of the csv.

    Returns:
        The clips, and the names in the order of their labels.
    """
    reader = csv.DictReader(_text(path).splitlines())
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path}: the header has no column {', '.join(missing)}. Expected {', '.join(_COLUMNS)}, split."
        )
    rows = []
    for row in reader:
        if None in row or None in row.values() or not all(row[column] for column in _COLUMNS):
            raise DataError(f"{path}, line {reader.line_num}: expected one value for each column of the header.")
        rows.append((reader.line_num, row))
    names = tuple(classes) if classes is not None else tuple(sorted({row["label"] for _, row in rows}))
    ids = {name: label for label, name in enumerate(names)}
    folders = set(os.listdir(folder))
    clips = []
    for number, row in rows:
        name, start, end = row["label"], row["time_start"], row["time_end"]
        if name not in ids:
            raise DataError(f"{path}, line {number}: {name!r} is not in metainfo.classes; {nearest(name, names)}")
        if not (start.isdecimal() and end.isdecimal()):
            raise DataError(f"{path}, line {number}: time_start {start!r} and time_end {end!r} must be whole seconds.")
        place = name if name in folders else name.translate(_RENAMED)
        file = f"{row['youtube_id']}_{int(start):06d}_{int(end):06d}.mp4"
        clips.append(Clip(os.path.join(folder, place, file), ids[name], number))
    return _not_empty(clips, path), names


def _refuse_frames(path: Path, number: int, folder: Path, name: str) -> None:
    """Refuse a line ``folder num_frames label``, of mmaction's lists of folders of frames."""
    frames, _, count = name.rpartition(" ")
    if frames and count.isdecimal() and (folder / frames).is_dir():
        raise DataError(
            f"{path}, line {number}: {folder / frames} is a folder of {count} frames; videos are expected. Give the "
            "list of the video files.",
            kind="frame-folder",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a text file in UTF-8 ({error}). Correct ann_file.") from error


def _not_empty(clips: list[Clip], path: Path) -> list[Clip]:
    if not clips:
        raise DataError(f"{path}: lists no video. Correct ann_file, or make the data first.")
    return clips
