"""Write the miniature official layouts beside this file: python tests/data/make_miniatures.py.

mini_imagenet   ILSVRC folders (wnid, .JPEG)
mini_coco       instances_{train,val}2017.json with all 80 categories of COCO under their 90 ids, and the images
mini_ade20k     ADEChallengeData2016: label maps with 0 (no class) and 150 (the last class)
mini_kinetics   the official csv, label folders, MP4 named by id and seconds
The pictures are noise and rectangles; only names, sizes and formats are those of the benchmarks.
"""

import json
import shutil
from pathlib import Path

import av
import numpy as np
from PIL import Image

import simmim_eval.compat  # noqa: F401

# isort: split
from mmdet.datasets import CocoDataset

HERE = Path(__file__).parent
# COCO numbers its 80 classes from 1 to 90; these numbers are not used.
UNUSED_COCO_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}


def picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coarse noise, uint8 (height, width, 3)."""
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def save(image: np.ndarray, path: Path) -> None:
    """Write an image in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def imagenet(root: Path, rng: np.random.Generator) -> None:
    """Two classes, two training images and one validation image each."""
    for wnid in ("n01440764", "n01443537"):
        for number in (18, 36):
            save(picture(rng, 40, 48), root / "train" / wnid / f"{wnid}_{number}.JPEG")
        save(picture(rng, 40, 48), root / "val" / wnid / f"ILSVRC2012_val_000{wnid[-5:]}.JPEG")


def coco(root: Path, rng: np.random.Generator) -> None:
    """Two images a split; annotations of person (1), toothbrush (90) and classes after gaps (13, 72)."""
    ids = [number for number in range(1, 91) if number not in UNUSED_COCO_IDS]
    categories = [
        {"supercategory": "thing", "id": number, "name": name}
        for number, name in zip(ids, CocoDataset.METAINFO["classes"], strict=True)
    ]
    for split, first in (("train", 9), ("val", 139)):
        images, annotations = [], []
        for place, labels in enumerate(((1, 90), (13, 72))):
            name = f"{first + place:012d}.jpg"
            save(picture(rng, 64, 80), root / f"{split}2017" / name)
            images.append({"id": first + place, "file_name": name, "height": 64, "width": 80, "license": 1})
            for column, label in enumerate(labels):
                x, y, w, h = 8.0 + 40 * column, 8.0, 24.0, 32.0
                polygon = [x, y, x + w, y, x + w, y + h, x, y + h]
                annotations.append(
                    {
                        "id": 1000 * first + len(annotations),
                        "image_id": first + place,
                        "category_id": label,
                        "bbox": [x, y, w, h],
                        "area": w * h,
                        "iscrowd": 0,
                        "segmentation": [polygon],
                    }
                )
        content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
        path = root / "annotations" / f"instances_{split}2017.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def ade20k(root: Path, rng: np.random.Generator) -> None:
    """Two training pairs and one for validation; each map holds 0, 1, 75 and 150."""
    for split, short, count in (("training", "train", 2), ("validation", "val", 1)):
        for number in range(1, count + 1):
            name = f"ADE_{short}_{number:08d}"
            save(picture(rng, 48, 64), root / "images" / split / f"{name}.jpg")
            label_map = np.repeat(np.array([0, 1, 75, 150], np.uint8), 16)[None].repeat(48, axis=0)
            save(label_map, root / "annotations" / split / f"{name}.png")


def kinetics(root: Path, rng: np.random.Generator) -> None:
    """Three classes, one clip a split each; one class has its spaces replaced, as mmaction's scripts leave it."""
    labels = ("abseiling", "air drumming", "tai chi")
    for split, word in (("train", "train"), ("val", "validate")):
        lines = ["label,youtube_id,time_start,time_end,split"]
        for number, label in enumerate(labels):
            name, start = f"-{split}_{number}xY9wQ", 60 * number
            folder = label.replace(" ", "_") if label == "tai chi" else label
            write_clip(root / f"videos_{split}" / folder / f"{name}_{start:06d}_{start + 10:06d}.mp4", rng)
            lines.append(f"{label},{name},{start},{start + 10},{word}")
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")


def write_clip(path: Path, rng: np.random.Generator, frames: int = 10) -> None:
    """A square that moves over noise, 48 x 64, MPEG-4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    background = picture(rng, 48, 64)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            image = background.copy()
            image[16:32, 4 * number : 4 * number + 16] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    for write in (imagenet, coco, ade20k, kinetics):
        folder = HERE / f"mini_{write.__name__}"
        shutil.rmtree(folder, ignore_errors=True)
        write(folder, np.random.default_rng(0))
