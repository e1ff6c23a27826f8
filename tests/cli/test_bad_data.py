"""Faults of a data set, through the command line: one message, exit code 2, nothing half-written."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simmim_eval.records import read_attempt


@pytest.fixture
def copied(demo_root, tmp_path):
    """A copy of one part of the demo, by hard links: replace a file, never write into it."""

    def copy(part: str) -> Path:
        shutil.copytree(demo_root / part, tmp_path / "data" / part, copy_function=os.link)
        return tmp_path / "data"

    return copy


def replace(path: Path, content: bytes) -> Path:
    path.unlink()
    path.write_bytes(content)
    return path


def first(folder: Path, pattern: str) -> Path:
    return min(folder.rglob(pattern))


def wrote_nothing(tmp_path: Path) -> bool:
    return not (tmp_path / "work").exists()


def failed_attempt(tmp_path: Path) -> str:
    """The error of the one attempt of a run that had begun; nothing else may look finished."""
    work = tmp_path / "work"
    assert sorted(path.name for path in work.iterdir()) == ["attempts", "runs"]
    half = [path.name for path in work.rglob("*") if path.name.startswith(".") or path.name == "last.pth"]
    assert half == [".lock"]  # which no process holds any more
    (path,) = (work / "attempts").glob("*/*.json")
    attempt = read_attempt(path)
    assert attempt.status == "failed"
    error, _, output = attempt.error.partition(" (output: ")
    assert (work / output.removesuffix(")")).is_file()
    return error


def test_missing_data_root(transfer, tmp_path):
    transfer("classification", data_root=tmp_path / "absent").refuses(tmp_path / "absent", "root of a data set")
    assert wrote_nothing(tmp_path)


@pytest.mark.parametrize("recipe", ["classification", "detection", "segmentation", "recognition"])
def test_empty_data_root(transfer, tmp_path, recipe):
    (tmp_path / "empty").mkdir()
    transfer(recipe, data_root=tmp_path / "empty").refuses(tmp_path / "empty", "no such file or folder")
    assert wrote_nothing(tmp_path)


@pytest.mark.parametrize("workers", [0, 1])
def test_truncated_jpeg(transfer, copied, tmp_path, workers):
    """It is read only while training, in a worker or in the process itself."""
    root = copied("imagenet")
    path = first(root / "imagenet" / "train", "*.jpg")
    replace(path, path.read_bytes()[:400])
    outcome = transfer("classification", "--cfg-options", f"train_dataloader.num_workers={workers}", data_root=root)
    message = outcome.refuses(path, "truncated", "Replace")
    assert "worker" not in message
    assert failed_attempt(tmp_path) == message.replace("error: ", "DataError: ")


def test_category_that_does_not_exist(transfer, copied, tmp_path):
    root = copied("coco")
    path = root / "coco" / "annotations" / "instances_train2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["category_id"] = 4711
    replace(path, json.dumps(content).encode())
    transfer("detection", data_root=root).refuses(path, "category_id", "4711")
    assert wrote_nothing(tmp_path)


def test_label_map_out_of_range(transfer, copied, tmp_path):
    root = copied("ade")
    path = first(root / "ade" / "annotations" / "training", "*.png")
    values = np.array(Image.open(path))
    values[3, 4] = 77
    path.unlink()
    Image.fromarray(values).save(path)
    message = transfer("segmentation", data_root=root).refuses(path, "77", "allowed are 1 to")
    assert failed_attempt(tmp_path) == message.replace("error: ", "DataError: ")


def test_unreadable_video(transfer, copied, tmp_path):
    root = copied("kinetics")
    path = replace(first(root / "kinetics" / "train", "*.mp4"), b"not a video at all")
    transfer("recognition", data_root=root).refuses(path, "video")
    assert "video" in failed_attempt(tmp_path)


def test_a_video_that_is_gone(transfer, copied, tmp_path):
    root = copied("kinetics")
    path = first(root / "kinetics" / "val", "*.mp4")
    path.unlink()
    transfer("recognition", data_root=root).refuses(path.name, "kinetics400_val_list_videos.txt")
    assert wrote_nothing(tmp_path)


def test_splits_with_different_classes(transfer, copied, tmp_path):
    root = copied("imagenet")
    (root / "imagenet" / "val" / "boot").rename(root / "imagenet" / "val" / "shoe")
    transfer("classification", data_root=root).refuses("boot, shoe", "split")
    assert wrote_nothing(tmp_path)
