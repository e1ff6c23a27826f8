"""Lists and csv files of videos: what they name, what is there, and what is in it."""

import pytest
from check_case import picture, write_video, write_video_without_frames

from simmim_eval.data.check.kinetics import LONGEST
from simmim_eval.errors import DataError

CLIP = "-train_1xY9wQ_000060_000070.mp4"
PLACE = f"videos_train/air drumming/{CLIP}"


@pytest.fixture
def kinetics(case):
    return case("k400")


@pytest.fixture
def listed(kinetics):
    """The same videos by mmaction2's lists."""
    for split in ("train", "val"):
        (kinetics.root / f"{split}.csv").unlink()
        lines = []
        for label, path in enumerate(sorted((kinetics.root / f"videos_{split}").rglob("*.mp4"))):
            name = f"{label}.mp4"
            path.rename(kinetics.root / f"videos_{split}" / name)
            lines.append(f"{name} {label}\n")
        (kinetics.root / f"kinetics400_{split}_list_videos.txt").write_text("".join(lines))
    return kinetics


def test_whole_set_is_clean(kinetics):
    report = kinetics.check()
    assert report.is_clean and {group.kind for group in report.groups} == {"short-video"}
    counts = {count.what: count.found for count in report.counts}
    assert counts["train videos listed"] == counts["train videos there"] == counts["train classes"] == 3
    assert report.facts["frames of train videos"] == {"least": 10, "most": 10}


def test_lists_are_read_as_well(listed):
    assert listed.check().is_clean


def test_an_incomplete_copy_is_recorded_and_no_fault(listed):
    report = listed.check(official=True, full=False)
    notes = {group.kind: group for group in report.groups}
    assert notes["incomplete"].severity == "note"
    assert "3 videos; mmaction2's copy has 240,436" in notes["incomplete"].findings[0].detail
    assert {group.kind for group in report.groups if group.severity == "fault"} == {"count"}  # 3 of 400 classes


def test_known_copy_is_named(listed, monkeypatch):
    from simmim_eval.data.check import kinetics as module

    monkeypatch.setattr(module, "KNOWN_COPY", {"train": 3, "val": 2})
    facts = listed.check(official=True).facts
    assert facts["copy of train"] == "as long as mmaction2's copy"
    assert facts["copy of val"] == "1 videos more than mmaction2's copy"


def missing(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def html(path):
    path.write_bytes(b"<html>gone</html>")


def cut(path):
    path.write_bytes(path.read_bytes()[:-400])


def folder_of_frames(path):
    path.unlink()
    path.mkdir()
    picture().save(path / "img_00001.jpg")


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (missing, {"missing"}),
        (empty, {"empty-file"}),
        (html, {"not-a-video"}),
        (cut, {"truncated", "not-a-video", "damaged"}),
        (write_video_without_frames, {"no-frame"}),
        (folder_of_frames, {"frame-folder"}),
    ],
)
def test_damaged_video(damage, kinds, kinetics):
    damage(kinetics.root / PLACE)
    ((kind, places),) = kinetics.kinds().items()
    assert kind in kinds and places == [PLACE]


def test_short_videos_are_told(kinetics):
    write_video(kinetics.root / PLACE, LONGEST)
    assert PLACE not in kinetics.kinds(notes=True)["short-video"]
    write_video(kinetics.root / PLACE, LONGEST - 1)
    assert PLACE in kinetics.kinds(notes=True)["short-video"]


def test_listed_twice(listed):
    path = listed.root / "kinetics400_train_list_videos.txt"
    path.write_text(path.read_text() + "0.mp4 2\n")
    (group,) = [group for group in listed.check().groups if group.severity == "fault"]
    assert group.kind == "duplicate-file"
    assert group.findings[0].detail == "lines 1 and 4 of kinetics400_train_list_videos.txt, as 0 and 2"


def test_lines_of_frame_folders(listed):
    frames = listed.root / "videos_train" / "abseiling_1"
    frames.mkdir()
    path = listed.root / "kinetics400_train_list_videos.txt"
    path.write_text("abseiling_1 300 0\n")
    assert listed.kinds() == {"frame-folder": ["kinetics400_train_list_videos.txt"]}


def test_only_frame_folders(kinetics):
    for path in kinetics.root.glob("*.csv"):
        path.unlink()
    (kinetics.root / "rawframes_train").mkdir()
    with pytest.raises(DataError, match=r"no list of videos.*rawframes_train is of single frames"):
        kinetics.check()


def test_unreadable_list(listed):
    (listed.root / "kinetics400_val_list_videos.txt").write_bytes(b"caf\xe9.mp4 0\n")
    (listed.root / "kinetics400_train_list_videos.txt").write_text("0.mp4\n")
    assert listed.kinds()["annotations"] == [
        "kinetics400_train_list_videos.txt",
        "kinetics400_val_list_videos.txt",
    ]


def test_labels_of_a_csv_with_fewer_classes_differ(kinetics):
    path = kinetics.root / "val.csv"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "drumming" not in line))
    (group,) = [group for group in kinetics.check().groups if group.severity == "fault"]
    assert group.kind == "classes-differ" and "no video of 'air drumming'" in group.findings[0].detail


def test_class_without_a_video_and_video_without_a_line(listed):
    path = listed.root / "kinetics400_train_list_videos.txt"
    path.write_text("0.mp4 0\n2.mp4 2\n")
    notes = listed.kinds(notes=True)
    assert notes["absent-class"] == ["kinetics400_train_list_videos.txt"] and notes["unused"] == ["videos_train/1.mp4"]
