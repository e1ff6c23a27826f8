import importlib.metadata
import subprocess
import sys

import pytest
from packaging.specifiers import SpecifierSet

from simmim_eval.doctor.inventory import check_packages, list_packages, read_inventory


def mends(site) -> dict[str, tuple[str, str]]:
    inventory = site.inventory()
    found = check_packages(inventory, list_packages(inventory))
    assert all(one.kind == "fault" for one in found)
    return {one.subject: (one.what, one.mend) for one in found}


def test_versions_are_those_that_pip_knows() -> None:
    inventory = read_inventory()
    for name in ("torch", "mmcv-lite", "importlib_metadata", "PyYAML"):
        assert inventory.version(name) == importlib.metadata.version(name)
    assert inventory.version("no-such-package") == ""


def test_this_installation_is_supported() -> None:
    inventory = read_inventory()
    packages = {one.name: one for one in list_packages(inventory)}
    assert check_packages(inventory, list(packages.values())) == []
    assert packages["Python"].version == ".".join(map(str, sys.version_info[:3]))
    assert SpecifierSet(packages["mmcv-lite"].supported) == SpecifierSet(">=2.1,<2.2")
    cuda = subprocess.run(
        [sys.executable, "-c", "import runpy; print(runpy.run_path(__import__('sys').argv[1])['cuda'])",
         importlib.metadata.distribution("torch").locate_file("torch/version.py")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert packages["torch's CUDA"].version == cuda.stdout.strip()


@pytest.mark.parametrize(
    ("name", "reason", "mend"),
    [
        ("setuptools", "pkg_resources", 'pip install "setuptools>=77.0.3,<81"'),
        ("importlib_metadata", "mmaction2", 'pip install "importlib_metadata>=6"'),
        ("ftfy", "multimodal", 'pip install "ftfy>=6.1"'),
        ("regex", "multimodal", 'pip install "regex>=2023.0"'),
        ("torch", "", 'pip install "torch>=2.6"'),
        ("mmcv-lite", "mmdet", 'pip install "mmcv-lite>=2.1,<2.2"'),
        ("opencv-python-headless", "", "pip install opencv-python-headless"),
    ],
)
def test_missing_package(site, name, reason, mend) -> None:
    what, asked = mends(site)[name]
    assert "not installed" in what and reason in what
    assert asked == mend


@pytest.mark.parametrize(
    ("name", "version", "mend"),
    [
        ("setuptools", "82.0.1", 'pip install "setuptools>=77.0.3,<81"'),
        ("torch", "2.3.1+cu121", 'pip install "torch>=2.6"'),
        ("numpy", "1.23.5", 'pip install "numpy>=1.26"'),
        ("mmengine", "0.10.3", 'pip install "mmengine>=0.10.7,<0.11"'),
        ("mmcv-lite", "2.2.0", 'pip install "mmcv-lite>=2.1,<2.2"'),
        ("mmcv", "2.2.0", 'pip uninstall -y mmcv && pip install "mmcv-lite>=2.1,<2.2"'),
        ("opencv-python", "2.4.1", "pip install opencv-python-headless"),
    ],
)
def test_unsupported_version(site, name, version, mend) -> None:
    what, asked = mends(site.add(name, version))[name]
    assert version in what and "supported" in what
    assert asked == mend


def test_a_compiled_mmcv_takes_the_place_of_mmcv_lite(site) -> None:
    found = mends(site.add("mmcv", "2.1.0"))
    assert not {"mmcv", "mmcv-lite"} & found.keys()


def test_any_build_of_opencv_counts(site) -> None:
    site.add("opencv-contrib-python", "4.11.0.86")
    assert "opencv-python-headless" not in mends(site)


def test_decord_is_optional(site) -> None:
    rows = {one.name: one.state for one in list_packages(site.inventory())}
    assert rows["decord"] == "optional" and rows["torch"] == "missing"


def test_without_our_own_metadata(bare_site) -> None:
    what, mend = mends(bare_site)["simmim-eval"]
    assert "not installed" in what and mend.startswith("pip install --no-deps --editable")


def test_metadata_that_nobody_can_read(site) -> None:
    """An interrupted installation leaves folders without metadata; old projects ask for what is no requirement."""
    (site.folder / "~umpy-1.26.4.dist-info").mkdir()
    (site.folder / "broken-1.0.dist-info").mkdir()
    (site.folder / "broken-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe\x00")
    site.add("ancient", "0.1", ["this is not ; a requirement", "numpy>=1.0.*"])
    inventory = site.inventory()
    assert inventory.requirements("ancient") == []
    assert inventory.version("mmdet") == "3.3.0"
