"""Kinetics: the official csv, mmaction's list, and every fault of a line."""

import shutil

import numpy as np
import pytest
from mmengine.registry import DATASETS

from simmim_eval.errors import ConfigError, DataError

LOAD = [
    dict(type="simmim_eval.OpenVideo"),
    dict(type="mmaction.SampleFrames", clip_len=8, frame_interval=1, num_clips=1, test_mode=True),
    dict(type="simmim_eval.DecodeVideo"),
]


def build(root, **options):
    config = dict(
        type="simmim_eval.Kinetics",
        data_root=str(root),
        ann_file="train.csv",
        data_prefix=dict(video="videos_train"),
        pipeline=LOAD,
    )
    return DATASETS.build(config | options)


@pytest.fixture
def copy(data_dir, tmp_path):
    return shutil.copytree(data_dir / "mini_kinetics", tmp_path / "kinetics")


@pytest.fixture
def listed(copy):
    """The same clips as the demo lays them out: one folder, one list."""
    lines = []
    for label, path in enumerate(sorted((copy / "videos_train").glob("*/*.mp4"))):
        path.rename(copy / "videos_train" / f"{label:05d}.mp4")
        lines.append(f"{label:05d}.mp4 {label}\n")
    (copy / "list.txt").write_text("".join(lines))
    return copy


def test_official_csv(data_dir):
    dataset = build(data_dir / "mini_kinetics")
    assert dataset.metainfo["classes"] == ("abseiling", "air drumming", "tai chi")
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [sample["label"] for sample in samples] == [0, 1, 2]
    # one folder as the csv writes the label, one as mmaction's script renames it
    assert [sample["filename"].split("/")[-2] for sample in samples] == ["abseiling", "air drumming", "tai_chi"]
    assert dataset[1]["total_frames"] == 10
    assert np.shape(dataset[1]["imgs"]) == (8, 48, 64, 3)


def test_list_equals_mmactions_reading(listed):
    ours = build(listed, ann_file="list.txt", num_classes=3)
    from mmaction.datasets import VideoDataset

    theirs = VideoDataset(
        ann_file="list.txt", pipeline=[], data_root=str(listed), data_prefix=dict(video="videos_train")
    )
    assert [ours.get_data_info(i) for i in range(3)] == [theirs.get_data_info(i) for i in range(3)]
    assert np.shape(ours[2]["imgs"]) == (8, 48, 64, 3)


def test_frames_go_through_mmactions_pipeline(data_dir):
    pipeline = [
        *LOAD,
        dict(type="mmaction.Resize", scale=(32, 24), keep_ratio=False),
        dict(type="mmaction.FormatShape", input_format="NCTHW"),
        dict(type="mmaction.PackActionInputs"),
    ]
    sample = build(data_dir / "mini_kinetics", pipeline=pipeline)[2]
    assert tuple(sample["inputs"].shape) == (1, 3, 8, 24, 32)
    assert sample["data_samples"].gt_label.item() == 2


def test_list_may_have_spaces_and_blank_lines(listed):
    (listed / "videos_train/00000.mp4").rename(listed / "videos_train/a clip.mp4")
    (listed / "list.txt").write_text("a clip.mp4 7\n\n")
    dataset = build(listed, ann_file="list.txt")
    assert len(dataset) == 1 and dataset.get_data_info(0)["label"] == 7


def test_csv_with_named_classes(data_dir):
    names = ["zumba", "tai chi", "air drumming", "abseiling"]
    dataset = build(data_dir / "mini_kinetics", metainfo=dict(classes=names), num_classes=4)
    assert [dataset.get_data_info(i)["label"] for i in range(3)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("00000.mp4 0\n00001.mp4\n", r"list\.txt, line 2: '00001.mp4' is not 'path label'"),
        ("00000.mp4 zero\n", "line 1: '00000.mp4 zero' is not 'path label'"),
        ("00000.mp4 -1\n", "line 1: .* with a label of 0 or more"),
        ("00000.mp4 0\n\n00001.mp4 3\n", "line 3: label 3 is out of range; with 3 classes allowed are 0 to 2"),
        ("00000.mp4 0\nlost.mp4 1\nlost2.mp4 1\n", r"2 of 3 files are absent, the first is .*/lost\.mp4"),
        ("\n", "lists no video"),
    ],
)
def test_fault_of_a_list(text, words, listed):
    (listed / "list.txt").write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        build(listed, ann_file="list.txt", num_classes=3)
    assert str(listed / "list.txt") in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("label,", "class,", "the header has no column label"),
        (",60,70,", ",60,", r"train\.csv, line 3: expected one value for each column"),
        ("abseiling,", ",", r"train\.csv, line 2: expected one value for each column"),
        (",60,70,", ",1:00,70,", "line 3: time_start '1:00' and time_end '70' must be whole seconds"),
        (",60,70,", ",61,71,", r"1 of 3 files are absent, the first is .*_000061_000071\.mp4"),
    ],
)
def test_fault_of_a_csv(old, new, words, copy):
    path = copy / "train.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=words) as caught:
        build(copy)
    assert str(path) in str(caught.value)


def test_csv_of_a_part_must_name_all_classes(data_dir):
    with pytest.raises(DataError, match=r"names 3 labels, num_classes is 400.*metainfo\.classes"):
        build(data_dir / "mini_kinetics", num_classes=400)
    with pytest.raises(DataError, match=r"'tai chi' is not in metainfo\.classes; did you mean tai-chi"):
        build(data_dir / "mini_kinetics", metainfo=dict(classes=["abseiling", "air drumming", "tai-chi"]))


def test_faults_of_arguments(data_dir, tmp_path):
    with pytest.raises(ConfigError, match=r"num_classes is 4, metainfo\.classes has 1 names"):
        build(data_dir / "mini_kinetics", num_classes=4, metainfo=dict(classes=["a"]))
    with pytest.raises(ConfigError, match="data_prefix has no 'video'"):
        build(data_dir / "mini_kinetics", data_prefix=dict(img="videos_train"))
    with pytest.raises(DataError, match=r"train\.csv: no such file.*Correct data_root"):
        build(tmp_path)
    with pytest.raises(DataError, match="videos_test: no such folder"):
        build(data_dir / "mini_kinetics", data_prefix=dict(video="videos_test"))
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not a text file in UTF-8"):
        build(tmp_path, ann_file="list.txt", data_prefix=dict(video=""))


def test_unreadable_video_is_named(copy):
    path = next((copy / "videos_train" / "abseiling").iterdir())
    path.write_bytes(b"not a video")
    with pytest.raises(DataError, match="is not a video that can be read"):
        build(copy)[0]
