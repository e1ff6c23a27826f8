"""One item of the demo, drawn from its own seed and written in the benchmark's own format."""

from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from simmim_eval.data.demo.garments import CLASSES, garment, num_garments
from simmim_eval.data.demo.motion import MOTIONS, clip
from simmim_eval.data.demo.plan import PICTURE_SIZE, SCENE_SIZE, SPLITS, VIDEO_SIZE, Split
from simmim_eval.data.demo.scene import picture, scene

__all__ = ["Entry", "write_item"]

Entry = dict[str, Any]  # what an item adds to the index file of its split

_JPEG_QUALITY = 92
_FRAME_RATE = 8
_CODEC = {"preset": "veryfast", "qp": "18", "g": "1", "threads": "1"}  # every frame coded by itself


def write_item(root: Path, seed: int, split: Split, index: int) -> Entry | None:
    """Write item ``index`` of a split under ``root``.

    The result depends on the arguments only, so items may be written by any process and in any order.

    Returns:
        ``{"image": ..., "annotations": [...]}`` for COCO, ``{"name": ..., "label": ...}`` for Kinetics, else None.
    """
    rng = np.random.default_rng((seed, SPLITS.index(split), index + 1))
    return _WRITERS[split.part](root / split.part, rng, seed, split, index)


def _write_imagenet(root: Path, rng: np.random.Generator, seed: int, split: Split, index: int) -> None:
    number, label = divmod(index, len(split.classes))
    name = split.classes[label]
    item = garment(split.group, name, int(_order(seed, split, name)[number]))
    _save_jpeg(picture(rng, split.group, item, PICTURE_SIZE), root / split.name / name / f"{name}_{number:05d}.jpg")


def _write_coco(root: Path, rng: np.random.Generator, seed: int, split: Split, index: int) -> Entry:
    drawn = scene(rng, split.group, SCENE_SIZE)
    image_id = index + 1
    name = f"{image_id:012d}.jpg"
    _save_jpeg(drawn.image, root / split.name / name)
    annotations = []
    for number, instance in enumerate(drawn.instances):
        run_lengths = coco_mask.encode(np.asfortranarray(instance.visible, np.uint8))
        annotations.append(
            {
                "id": image_id * 10 + number,
                "image_id": image_id,
                "category_id": instance.label + 1,
                "segmentation": {"size": [SCENE_SIZE, SCENE_SIZE], "counts": run_lengths["counts"].decode()},
                "bbox": coco_mask.toBbox(run_lengths).tolist(),
                "area": float(instance.visible.sum()),
                "iscrowd": 0,
            }
        )
    image = {"id": image_id, "file_name": name, "height": SCENE_SIZE, "width": SCENE_SIZE, "license": 1}
    return {"image": image, "annotations": annotations}


def _write_ade(root: Path, rng: np.random.Generator, seed: int, split: Split, index: int) -> None:
    drawn = scene(rng, split.group, SCENE_SIZE)
    stem = f"ADE_{split.name}_{index + 1:08d}"
    _save_jpeg(drawn.image, root / "images" / split.name / f"{stem}.jpg")
    path = root / "annotations" / split.name / f"{stem}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn.labels).save(path)


def _write_kinetics(root: Path, rng: np.random.Generator, seed: int, split: Split, index: int) -> Entry:
    label = index % len(MOTIONS)
    name = f"clip_{index:06d}.mp4"
    path = root / split.name / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _save_video(clip(rng, split.group, MOTIONS[label], VIDEO_SIZE), path)
    return {"name": name, "label": label}


_WRITERS = {
    "imagenet_base": _write_imagenet,
    "imagenet": _write_imagenet,
    "coco": _write_coco,
    "ade": _write_ade,
    "kinetics": _write_kinetics,
}


@cache
def _order(seed: int, split: Split, name: str) -> NDArray[np.int64]:
    """A random order of the garments of a class, so that no picture of a split repeats a garment."""
    rng = np.random.default_rng((seed, SPLITS.index(split), 0, CLASSES.index(name)))
    return rng.permutation(num_garments(split.group, name))


def _save_jpeg(image: NDArray[np.uint8], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=_JPEG_QUALITY)


def _save_video(frames: NDArray[np.uint8], path: Path) -> None:
    """Write uint8 (T, H, W, 3) as H.264 in MP4."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FRAME_RATE, options=_CODEC)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
