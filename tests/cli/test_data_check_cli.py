"""``data check`` from the command line: exit codes, what is printed, the report for machines."""

import json
import os
import shutil

import pytest

FOLDERS = {"imagenet": "mini_imagenet", "coco": "mini_coco", "ade20k": "mini_ade20k", "k400": "mini_kinetics"}


@pytest.fixture
def check(cli, data_dir, tmp_path, monkeypatch):
    """``check("coco", "--full")`` on a copy, ``check.root``; the user's cache folder is a temporary one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(dataset, *arguments):
        run.root = tmp_path / FOLDERS.get(dataset, "data")
        if not run.root.exists() and dataset in FOLDERS:
            shutil.copytree(data_dir / FOLDERS[dataset], run.root)
        return cli("data", "check", dataset, run.root, "--workers", "1", *arguments)

    return run


@pytest.mark.parametrize("mode", ["--full", "--quick"])
@pytest.mark.parametrize("dataset", FOLDERS)
def test_clean(dataset, mode, check):
    outcome = check(dataset, mode)
    assert outcome.code == 0 and not outcome.err
    assert outcome.out.startswith(f"{dataset}, {mode.strip('-')} check of ") and outcome.out.endswith("clean\n")


def test_findings_name_files_and_mend_and_the_report_names_all(check, tmp_path):
    check("imagenet")
    for path in (check.root / "train").rglob("*.JPEG"):
        path.write_bytes(path.read_bytes()[:300])
    outcome = check("imagenet", "--full", "--json", tmp_path / "report.json")
    assert outcome.code == 1
    assert "fault: 4 truncated files" in outcome.out and "and 1 more" in outcome.out
    assert outcome.out.count("train/n0144") == 3 and "mend: Replace the files" in outcome.out
    report = json.loads((tmp_path / "report.json").read_text())
    (group,) = report["groups"]
    assert group["kind"] == "truncated" and len(group["findings"]) == 4
    assert check("imagenet", "--quick").code == 0  # the files are as long as files can be
    assert "known from earlier checks 6" in check("imagenet", "--full").out


def test_own_and_official(check):
    assert check("coco", "--own").code == 0
    outcome = check("coco", "--official")
    assert outcome.code == 1 and "fault: 4 counts" in outcome.out and "2 of 118,287" in outcome.out


def test_usage_and_root_are_errors(check, cli, tmp_path):
    check("imagnet").refuses("no such data set", "imagenet")
    cli("data", "check", "coco", tmp_path / "nowhere").refuses("nowhere", "no such folder")
    cli("data", "check", "coco", tmp_path, "--workers", "0").refuses("--workers 0")
    check("coco", "--cache", tmp_path / "mini_coco" / "cache").refuses("the cache would lie in the data")


def test_names_that_are_not_utf8_are_printed_and_written(check, tmp_path):
    check("imagenet")
    folder = os.fsencode(check.root / "train" / "n01440764")
    os.rename(folder + b"/n01440764_18.JPEG", folder + b"/\xff.JPEG")
    outcome = check("imagenet", "--json", tmp_path / "report.json")
    assert outcome.code == 0 and r"train/n01440764/\xff.JPEG" in outcome.out
    assert json.loads((tmp_path / "report.json").read_text())["groups"][0]["kind"] == "name-not-utf8"


def test_a_run_over_such_names_and_over_a_loop(transfer, demo_root, tmp_path):
    """Names do no harm in a run; a link that leads back stops it before it begins, with one message."""
    root = tmp_path / "data"
    shutil.copytree(demo_root / "imagenet", root / "imagenet", copy_function=os.link)
    image = min((root / "imagenet" / "train").rglob("*.jpg"))
    os.rename(image, os.fsencode(image.parent) + b"/\xff.jpg")
    assert transfer("classification", data_root=root, work_dir=tmp_path / "one").code == 0
    (image.parent / "loop").symlink_to("../..")
    transfer("classification", data_root=root, work_dir=tmp_path / "two").refuses(
        "/loop: cannot be read", "Mend the link"
    )
    assert not (tmp_path / "two").exists()


def test_a_broken_file_of_such_a_name(transfer, demo_root, tmp_path):
    """The message goes to the terminal and into the record of the attempt, which are UTF-8."""
    root = tmp_path / "data"
    shutil.copytree(demo_root / "imagenet", root / "imagenet")
    for image in list((root / "imagenet" / "train").rglob("*.jpg")):
        image.write_bytes(b"broken")
        os.rename(image, os.fsencode(image.with_suffix("")) + b"\xff.jpg")
    transfer("classification", data_root=root).refuses(r"\xff.jpg", "is not an image")


def test_training_on_crowds_only(transfer, demo_root, tmp_path):
    """mmdet ignores crowds in training: there are no positive boxes, and still a run ends."""
    root = tmp_path / "data"
    shutil.copytree(demo_root / "coco", root / "coco", copy_function=os.link)
    path = root / "coco" / "annotations" / "instances_train2017.json"
    content = json.loads(path.read_text())
    for row in content["annotations"]:
        row["iscrowd"] = 1
    path.unlink()
    path.write_text(json.dumps(content))
    outcome = transfer("detection", data_root=root)
    assert outcome.code == 0 and "box_ap" in outcome.out
