"""The whole tree: formats, determinism, and what it refuses to overwrite."""

import hashlib
import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from simmim_eval.data.demo import BASE_CLASSES, LABEL_MAP_CLASSES, MOTIONS, TRANSFER_CLASSES, make_demo
from simmim_eval.data.demo import make as make_module
from simmim_eval.data.demo.plan import SPLITS, count
from simmim_eval.errors import DataError, UserError

SCALE = 0.01


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "tree", scale=SCALE, workers=1)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_workers_write_the_same_bytes(demo, tmp_path):
    """Spawned processes, each of which imports the package afresh."""
    assert contents(make_demo(tmp_path / "again", scale=SCALE, workers=2)) == contents(demo)


def test_another_process_order_and_chunk_size_write_the_same_bytes(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(make_module, "_CHUNK", 7)
    assert contents(make_demo(tmp_path / "again", scale=SCALE, workers=1)) == contents(demo)


def test_another_seed_gives_another_tree(demo, tmp_path):
    other, first = contents(make_demo(tmp_path / "other", seed=1, scale=SCALE, workers=1)), contents(demo)
    assert other.keys() == first.keys()
    same = {name for name in first if first[name] == other[name] and name != "LICENSE-fashion-mnist.txt"}
    # A JSON or list that holds no pixel may agree; no picture, map or clip does.
    assert all(name.endswith("_list_videos.txt") for name in same)


def test_counts_at_full_scale():
    counts = {(split.part, split.name): count(split, 1.0) for split in SPLITS}
    assert counts == {
        ("imagenet_base", "train"): 4000,
        ("imagenet_base", "val"): 300,
        ("imagenet", "train"): 250,
        ("imagenet", "tune"): 300,
        ("imagenet", "val"): 700,
        ("coco", "train2017"): 300,
        ("coco", "tune2017"): 60,
        ("coco", "val2017"): 100,
        ("ade", "training"): 300,
        ("ade", "tuning"): 60,
        ("ade", "validation"): 100,
        ("kinetics", "train"): 1600,
        ("kinetics", "tune"): 200,
        ("kinetics", "val"): 400,
    }
    assert {split.group for split in SPLITS if split.name.startswith("val") and split.part != "imagenet_base"} == {
        "reported"
    }


def test_imagenet_folders(demo):
    for part, classes in (("imagenet_base", BASE_CLASSES), ("imagenet", TRANSFER_CLASSES)):
        for split in (split for split in SPLITS if split.part == part):
            folder = demo / part / split.name
            assert {path.name for path in folder.iterdir()} == set(classes)
            for name in classes:
                pictures = sorted((folder / name).glob("*.jpg"))
                assert len(pictures) == count(split, SCALE) / 5
                assert all(Image.open(path).size == (56, 56) for path in pictures)


@pytest.mark.parametrize("split", ["train2017", "tune2017", "val2017"])
def test_coco_is_valid(demo, split, capsys):
    coco = COCO(str(demo / "coco" / "annotations" / f"instances_{split}.json"))
    names = [category["name"] for category in coco.loadCats(coco.getCatIds())]
    assert names == ["top", "trouser", "dress", "shoe", "bag"]
    names = {image["file_name"] for image in coco.loadImgs(coco.getImgIds())}
    assert names == {path.name for path in (demo / "coco" / split).iterdir()}
    for image in coco.loadImgs(coco.getImgIds()):
        with Image.open(demo / "coco" / split / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"]) == (128, 128)
        annotations = coco.loadAnns(coco.getAnnIds(image["id"]))
        assert annotations
        covered = np.zeros((128, 128), int)
        for annotation in annotations:
            mask = coco.annToMask(annotation)
            covered += mask
            rows, columns = np.nonzero(mask)
            x, y = columns.min(), rows.min()
            assert annotation["bbox"] == [x, y, columns.max() + 1 - x, rows.max() + 1 - y]
            assert annotation["area"] == mask.sum() >= 40
            assert annotation["iscrowd"] == 0
        assert covered.max() == 1, "visible parts are disjoint"


@pytest.mark.parametrize("split", ["training", "tuning", "validation"])
def test_label_maps(demo, split):
    pictures = sorted((demo / "ade" / "images" / split).iterdir())
    maps = sorted((demo / "ade" / "annotations" / split).iterdir())
    assert [path.stem for path in pictures] == [path.stem for path in maps]
    seen = set()
    for path, picture in zip(maps, pictures, strict=True):
        labels = np.asarray(Image.open(path))
        assert labels.dtype == np.uint8 and labels.shape == (128, 128)
        assert Image.open(picture).size == (128, 128)
        seen |= set(np.unique(labels).tolist())
    assert 1 in seen and max(seen) <= len(LABEL_MAP_CLASSES) == 6


def test_clips(demo):
    for split in (split for split in SPLITS if split.part == "kinetics"):
        lines = (demo / "kinetics" / f"kinetics400_{split.name}_list_videos.txt").read_text().splitlines()
        names, labels = zip(*(line.split(" ") for line in lines), strict=True)
        assert set(names) == {path.name for path in (demo / "kinetics" / split.name).iterdir()}
        assert np.bincount(np.array(labels, int)).tolist() == [count(split, SCALE) / 8] * len(MOTIONS)
        for name in names[:8]:
            with av.open(str(demo / "kinetics" / split.name / name)) as container:
                frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
                keys = [packet.is_keyframe for packet in _packets(demo / "kinetics" / split.name / name)]
            assert np.stack(frames).shape == (8, 48, 48, 3)
            assert all(keys) and len(keys) == 8, "a predicted frame holds traces of the one before it"
            np.testing.assert_array_equal(frames[3], frames[4])


def _packets(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def test_manifest(demo):
    manifest = json.loads((demo / "manifest.json").read_text())
    assert (manifest["version"], manifest["seed"], manifest["scale"]) == (make_module.DEMO_VERSION, 0, SCALE)
    files = {name: data for name, data in contents(demo).items() if name != "manifest.json"}
    listing = "".join(f"{name} {hashlib.sha256(data).hexdigest()}\n" for name, data in sorted(files.items()))
    assert manifest["listing_sha256"] == hashlib.sha256(listing.encode()).hexdigest()
    assert manifest["files"] == len(files)
    reported = ["cell", "clock_motion", "microaneurysms", "page", "text"]
    assert manifest["photographs"]["reported"] == reported
    assert {entry["name"] for entry in manifest["attributions"]["photographs"]} >= set(reported)
    assert "Zalando" in (demo / "LICENSE-fashion-mnist.txt").read_text()


def test_the_same_demo_is_not_made_again(demo, monkeypatch):
    monkeypatch.setattr(make_module, "_write_parts", None)
    before = (demo / "manifest.json").stat().st_mtime_ns
    assert make_demo(demo, scale=SCALE) == demo
    assert (demo / "manifest.json").stat().st_mtime_ns == before


def test_a_users_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match="not a demo data set"):
        make_demo(tmp_path, scale=SCALE)
    file = tmp_path / "thesis.tex"
    with pytest.raises(DataError, match="not a demo data set"):
        make_demo(file, scale=SCALE)
    assert contents(tmp_path) == {"thesis.tex": b"years of work"}


@pytest.mark.parametrize("manifest", ["{}", "[]", "not json"])
def test_a_folder_with_another_manifest_is_left_alone(tmp_path, manifest):
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(DataError, match="not a demo data set"):
        make_demo(tmp_path, scale=SCALE)


def test_another_demo_is_not_replaced(demo):
    with pytest.raises(DataError, match=r"'seed': 0.*not.*'seed': 5"):
        make_demo(demo, seed=5, scale=SCALE)


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise DataError("a photograph is missing")

    monkeypatch.setattr(make_module, "_write_chunk", fail)
    with pytest.raises(DataError, match="photograph"):
        make_demo(tmp_path / "tree", scale=SCALE, workers=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "value"), [("seed", -1), ("scale", 0.0), ("scale", 1.5), ("workers", 0)])
def test_arguments_out_of_range_are_named(tmp_path, name, value):
    with pytest.raises(UserError, match=f"{name} is {value}"):
        make_demo(tmp_path / "tree", **{name: value})


def test_progress_counts_every_part_to_its_end(tmp_path):
    calls: list[tuple[str, int, int]] = []
    make_demo(tmp_path / "tree", scale=SCALE, workers=1, progress=lambda *call: calls.append(call))
    last = {part: (done, total) for part, done, total in calls}
    assert list(last) == ["imagenet_base", "imagenet", "coco", "ade", "kinetics"]
    assert all(done == total for done, total in last.values())
