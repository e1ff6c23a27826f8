from dataclasses import replace

import pytest

from simmim_eval.doctor import conflicts
from simmim_eval.doctor.inventory import read_inventory

CHECKS = (
    conflicts.check_python,
    conflicts.check_mmcv_builds,
    conflicts.check_asserts,
    conflicts.check_opencv_builds,
    conflicts.check_torchvision,
)
LITE = 'pip install "mmcv-lite>=2.1,<2.2"'


def test_this_installation_has_none() -> None:
    assert [check(read_inventory()) for check in CHECKS] == [[]] * len(CHECKS)


@pytest.mark.parametrize(
    ("python", "word"), [("3.14.0", "find_loader"), ("3.15.1", "find_loader"), ("3.10.13", "older than 3.11")]
)
def test_python(site, python, word) -> None:
    (finding,) = conflicts.check_python(replace(site.inventory(), python=python))
    assert finding.kind == "fault" and word in finding.what and "python3.13 -m venv" in finding.mend
    for good in ("3.11.0", "3.13.9"):
        assert conflicts.check_python(replace(site.inventory(), python=good)) == []


def test_two_builds_of_mmcv(site) -> None:
    site.add("mmcv", "2.1.0").add("mmcv-lite", "2.1.0")
    (finding,) = conflicts.check_mmcv_builds(site.inventory())
    assert finding.kind == "fault" and "mmcv-lite 2.1.0 and mmcv 2.1.0" in finding.what
    assert finding.mend == f"pip uninstall -y mmcv-lite mmcv && {LITE}"
    assert conflicts.check_asserts(site.inventory()) == []  # one mend at a time


@pytest.mark.parametrize(
    ("name", "version", "mend"),
    [
        ("mmcv-lite", "2.2.0", LITE),
        ("mmcv", "2.2.0", f"pip uninstall -y mmcv && {LITE}"),
        ("mmcv-full", "1.7.2", f"pip uninstall -y mmcv-full && {LITE}"),
        ("mmcv-lite", "2.0.0rc3", LITE),
    ],
)
def test_the_mmcv_that_the_task_libraries_refuse(site, name, version, mend) -> None:
    (finding,) = conflicts.check_asserts(site.add(name, version).inventory())
    assert f"MMCV=={version} is used but incompatible" in finding.what
    assert all(one in finding.what for one in ("mmdet", "mmsegmentation", "mmaction2"))
    assert (finding.kind, finding.mend) == ("fault", mend)


def test_the_mmcv_that_they_take(site) -> None:
    assert conflicts.check_asserts(site.inventory()) == []  # none: the table of packages says so
    assert conflicts.check_asserts(site.add("mmcv", "2.0.0rc4").inventory()) == []


def test_two_builds_of_opencv(site) -> None:
    site.add("opencv-python", "4.11.0.86").add("opencv-python-headless", "4.10.0.84")
    (finding,) = conflicts.check_opencv_builds(site.inventory())
    assert finding.kind == "warning"
    assert finding.mend == (
        "pip uninstall -y opencv-python-headless opencv-python && pip install opencv-python-headless"
    )


@pytest.mark.parametrize(
    ("torch", "torchvision"),
    # pairs released together, from PyTorch's table of versions
    [
        ("2.0.1", "0.15.2"),
        ("2.6.0", "0.21.0"),
        ("2.6.0+cu124", "0.21.0+cu124"),
        ("2.9.1", "0.24.1"),
        ("2.14.1", "0.29.1"),
    ],
)
def test_torch_and_its_torchvision(site, torch, torchvision) -> None:
    assert conflicts.check_torchvision(site.add("torch", torch).add("torchvision", torchvision).inventory()) == []


@pytest.mark.parametrize(
    ("torch", "torchvision", "mend"),
    [
        ("2.14.1", "0.28.0", 'pip install --force-reinstall torch==2.14.1 "torchvision==0.29.*"'),
        ("2.6.0", "0.22.0", 'pip install --force-reinstall torch==2.6.0 "torchvision==0.21.*"'),
        (
            "2.6.0+cu124",
            "0.21.0+cu121",
            'pip install --force-reinstall torch==2.6.0 "torchvision==0.21.*" '
            "--index-url https://download.pytorch.org/whl/cu124",
        ),
    ],
)
def test_torch_and_another_torchvision(site, torch, torchvision, mend) -> None:
    (finding,) = conflicts.check_torchvision(site.add("torch", torch).add("torchvision", torchvision).inventory())
    assert "operator torchvision::nms does not exist" in finding.what
    assert (finding.kind, finding.mend) == ("fault", mend)


@pytest.mark.parametrize("torch", ["", "of-my-own", "3.0.0"])
def test_a_torch_of_unknown_pairing_is_left_alone(site, torch) -> None:
    if torch:
        site.add("torch", torch)
    assert conflicts.check_torchvision(site.add("torchvision", "0.21.0").inventory()) == []
