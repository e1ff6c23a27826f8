"""Copies of the miniature data sets to damage, and what a check says of them."""

import json
import os
import shutil
import time
from pathlib import Path

import av
import numpy as np
from PIL import Image

from simmim_eval.data.check import Report, check_data

MINI = Path(__file__).parents[1] / "data"
FOLDERS = {"imagenet": "mini_imagenet", "coco": "mini_coco", "ade20k": "mini_ade20k", "k400": "mini_kinetics"}


class Case:
    """A copy of a miniature: ``case.check()`` gives the report, ``case.kinds()`` kind to places."""

    def __init__(self, dataset: str, folder: Path) -> None:
        self.dataset, self.cache = dataset, folder / "cache" / "results.sqlite"
        self.root = shutil.copytree(MINI / FOLDERS[dataset], folder / FOLDERS[dataset])

    def check(self, **options) -> Report:
        return check_data(self.dataset, self.root, **{"full": True, "cache": self.cache, **options})

    def kinds(self, *, notes: bool = False, **options) -> dict[str, list[str]]:
        groups = self.check(**options).groups
        return {
            group.kind: [finding.where for finding in group.findings]
            for group in groups
            if notes or group.severity == "fault"
        }

    def path(self, pattern: str) -> Path:
        return min(self.root.rglob(pattern))

    def rewrite(self, pattern: str, change) -> None:
        path = self.path(pattern)
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    def snapshot(self) -> dict[str, tuple[int, int]]:
        """Everything that a write to the data would change."""
        found = {}
        for path in [self.root, *self.root.rglob("*")]:
            status = path.lstat()
            found[str(path)] = (status.st_size, status.st_mtime_ns)
        return found


def picture(height: int = 40, width: int = 48, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def write_map(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values.astype(np.uint8)).save(path)
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


def write_video(path: Path, frames: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            image = np.full((48, 64, 3), number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_video_without_frames(path: Path) -> Path:
    """A whole MP4 whose video track is empty, as a recorder leaves that was stopped at once."""
    with av.open(str(path), "w", options={"movflags": "empty_moov+frag_keyframe"}) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.open()
        container.start_encoding()
    return path
