"""Instances JSON: every damage has its kind, and all of one kind are found, not the first alone."""

import shutil

import pytest
from check_case import picture

from simmim_eval.errors import DataError

TRAIN = "instances_train2017.json"
WHERE = f"annotations/{TRAIN}"


@pytest.fixture
def coco(case):
    return case("coco")


def test_whole_set_is_clean(coco):
    report = coco.check()
    assert report.is_clean and not report.official
    assert {group.kind for group in report.groups} == {"absent-class"}
    counts = {count.what: count.found for count in report.counts}
    assert counts["train2017 images"] == 2 and counts["train2017 annotations"] == 4
    assert counts["train2017 categories"] == 80


def test_official_counts(coco):
    report = coco.check(official=True)
    (group,) = [group for group in report.groups if group.kind == "count"]
    details = {finding.where: finding.detail for finding in group.findings}
    assert details == {
        "train2017 images": "2 found, 118,287 in the official data",
        "train2017 annotations": "4 found, 860,001 in the official data",
        "val2017 images": "2 found, 5,000 in the official data",
        "val2017 annotations": "4 found, 36,781 in the official data",
    }


def annotation(**changes):
    return lambda content: content["annotations"][1].update(changes)


def corners(content):
    for row in content["annotations"]:
        row["bbox"] = [50, 30, 70, 60]


def twice(content):
    content["images"].append({**content["images"][0], "id": 77})


def same_ids(content):
    content["annotations"][1]["id"] = content["annotations"][0]["id"]
    content["images"].append(dict(content["images"][0]))


def crowds(content):
    for row in content["annotations"][:2]:
        row["iscrowd"] = 1


def no_field(content):
    del content["annotations"][1]["bbox"]
    del content["images"][1]["file_name"]


@pytest.mark.parametrize(
    ("change", "kind", "places"),
    [
        (same_ids, "duplicate-id", [WHERE, WHERE]),
        (twice, "duplicate-file", ["train2017/000000000009.jpg"]),
        (no_field, "field", [WHERE, WHERE]),
        (annotation(category_id=12), "reference", [WHERE]),
        (annotation(image_id=12), "reference", [WHERE]),
        (annotation(bbox=[1, 2, 3]), "box", [WHERE]),
        (annotation(bbox=[1, 2, 3, float("nan")]), "box", [WHERE]),
        (corners, "corner-boxes", [WHERE]),
        (lambda content: content["images"][0].update(width=64, height=80), "size", ["train2017/000000000009.jpg"]),
        (lambda content: content["images"][0].update(file_name="no.jpg"), "missing", ["train2017/no.jpg"]),
        (lambda content: content.pop("images"), "annotations", [WHERE]),
    ],
)
def test_faults(change, kind, places, coco):
    coco.rewrite(TRAIN, change)
    assert coco.kinds()[kind] == places


@pytest.mark.parametrize(
    ("change", "kind", "detail"),
    [
        (annotation(bbox=[1, 2, 0, 9]), "degenerate-box", "annotation 9001: bbox [1, 2, 0, 9]"),
        (annotation(area=0), "degenerate-box", "area 0"),
        (annotation(bbox=[60, 2, 40, 9]), "outside-box", "in an image of 80 x 64"),
        (crowds, "crowd-only", "image 9 of instances_train2017.json"),
    ],
)
def test_what_mmdet_copes_with_is_a_note(change, kind, detail, coco):
    coco.rewrite(TRAIN, change)
    report = coco.check()
    (group,) = [group for group in report.groups if group.kind == kind]
    assert report.is_clean and len(group.findings) == 1 and detail in group.findings[0].detail


def test_files(coco):
    path = coco.root / "train2017/000000000009.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    (coco.root / "train2017/000000000010.jpg").unlink()
    picture().save(coco.root / "train2017/more.jpg")
    (coco.root / "annotations/instances_val2017.json").write_text('{"images": [')
    assert coco.kinds(notes=True) == {
        "truncated": ["train2017/000000000009.jpg"],
        "missing": ["train2017/000000000010.jpg"],
        "annotations": ["annotations/instances_val2017.json"],
        "unused": ["train2017/more.jpg"],
        "absent-class": [WHERE] * 76,
    }


def test_boxes_drawn_on_the_stored_image(coco):
    """As stored 64 x 80; the orientation turns it, so the annotated height and width are exchanged."""
    path, image = coco.root / "train2017/000000000009.jpg", picture(64, 80)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    (group,) = [group for group in coco.check().groups if group.severity == "fault"]
    assert group.kind == "size-turned" and "exiftool" in group.findings[0].detail
    coco.rewrite(TRAIN, lambda content: content["images"][0].update(width=64, height=80))
    assert not coco.kinds()


def test_own_set_with_other_names(coco):
    (coco.root / "annotations" / TRAIN).rename(coco.root / "annotations" / "fruit.json")
    (coco.root / "annotations/instances_val2017.json").unlink()
    shutil.rmtree(coco.root / "val2017")
    (coco.root / "train2017").rename(coco.root / "images")
    report = coco.check()
    assert report.is_clean and {count.what for count in report.counts} >= {"fruit images", "fruit annotations"}


def test_no_annotations_at_all(coco):
    shutil.rmtree(coco.root / "annotations")
    with pytest.raises(DataError, match=r"holds no JSON file. Expected annotations/instances_NAME\.json"):
        coco.check()
