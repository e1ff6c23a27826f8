"""The command, here and where libraries are missing, hidden or broken."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from simmim_eval.doctor.inventory import read_inventory

ROOT = Path(__file__).parents[2]
SITE = Path(sysconfig.get_path("purelib"))
# Left out of the poor site: what pip calls it in the supported range -> the folders that it installs.
ABSENT = {
    "torch>=2.6": ("torch",),
    "torchvision>=0.21": ("torchvision",),
    "mmengine>=0.10.7,<0.11": ("mmengine",),
    "mmcv-lite>=2.1,<2.2": ("mmcv", "mmcv_lite"),
    "mmdet>=3.3,<3.4": ("mmdet",),
    "mmsegmentation>=1.2.2,<1.3": ("mmseg", "mmsegmentation"),
    "mmaction2>=1.2,<1.3": ("mmaction", "mmaction2"),
    "setuptools>=77.0.3,<81": ("setuptools", "pkg_resources", "_distutils_hack"),
    "ftfy>=6.1": ("ftfy",),
    "importlib_metadata>=6": ("importlib_metadata",),
    "opencv-python-headless": ("opencv_python_headless", "cv2"),
}


def doctor(path: list[Path], *words: str) -> subprocess.CompletedProcess[str]:
    """``simmim-eval WORDS`` in a Python that knows the given folders only."""
    code = (
        f"import sys; sys.path[:] = {list(map(str, path))} + sys.path[1:]; sys.argv[0] = 'simmim-eval'; "
        "from simmim_eval.cli.main import main; main()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-S", "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=200)


def unwrapped(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def poor(tmp_path_factory) -> list[Path]:
    """This site-packages, by links, without ABSENT."""
    site = tmp_path_factory.mktemp("poor") / "site-packages"
    site.mkdir()
    folders = [folder for names in ABSENT.values() for folder in names]
    for entry in SITE.iterdir():
        if entry.name.split("-")[0] not in folders:
            (site / entry.name).symlink_to(entry)
    return [site, ROOT]


def test_this_installation(cli) -> None:
    outcome = cli("doctor", "--quick")
    assert outcome.code == 0 and outcome.err == ""
    rows = {line.split("  ")[0]: line.split() for line in outcome.out.splitlines() if line.strip()}
    for name in ("torch", "mmcv-lite", "mmdet", "numpy", "opencv-python-headless"):
        assert rows[name][1] == read_inventory().version(name) and rows[name][-1] == "ok"
    assert "torch's CUDA" in rows and rows["decord"][-1] == "optional"
    assert "simmim_eval.compat supplies" in outcome.out
    assert outcome.out.endswith("0 faults, 0 warnings\n")
    # Plain, and at most 100 columns but for what is to be copied in one piece.
    assert "\x1b" not in outcome.out
    assert all(len(line) <= 100 for line in outcome.out.splitlines() if sys.executable not in line)


def test_help_needs_no_libraries(poor) -> None:
    for words in (["--help"], ["doctor", "--help"]):
        done = doctor(poor, *words)
        assert done.returncode == 0, done.stderr
    assert "Example: simmim-eval doctor" in done.stdout


def test_libraries_are_missing(poor) -> None:
    done = doctor(poor, "doctor", "--quick")
    assert done.returncode == 1, done.stderr
    mends = [line.partition("pip install ")[2].strip('"') for line in done.stdout.splitlines()]
    assert ABSENT.keys() <= set(mends)
    assert done.stdout.endswith(f"{len(ABSENT)} faults, 0 warnings\n")


@pytest.mark.slow
def test_imports_where_libraries_are_missing(poor) -> None:
    done = doctor(poor, "doctor")
    assert done.returncode == 1, done.stderr
    # The imports that fail ask for mends that the missing packages have asked for.
    assert done.stdout.endswith(f"{len(ABSENT)} faults, 1 warning\n")
    for name in ("gpu", "mmdet.models", "simmim_eval.backbones"):
        assert f"{name} (needs torch)" in unwrapped(done)
    assert "numpy, scipy.optimize" in unwrapped(done)


def test_a_project_folder_hides_a_library(tmp_path) -> None:
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").touch()
    done = doctor([tmp_path, SITE, ROOT], "doctor", "--quick")
    assert done.returncode == 1, done.stderr
    assert f"import mmcv finds {tmp_path / 'mmcv'}" in unwrapped(done)
    assert done.stdout.endswith("1 fault, 0 warnings\n")


@pytest.mark.slow
def test_a_crashing_library(tmp_path) -> None:
    (tmp_path / "ftfy.py").write_text("import ctypes; ctypes.string_at(0)")
    done = doctor([tmp_path, SITE, ROOT], "doctor")
    assert done.returncode == 1, done.stderr
    assert "import ftfy: the process was ended by SIGSEGV" in unwrapped(done)
    assert "importlib_metadata, regex work" in unwrapped(done)
    assert 'pip install --force-reinstall --no-deps "ftfy>=6.1"' in done.stdout


@pytest.mark.slow
def test_this_installation_with_its_imports() -> None:
    done = doctor([SITE, ROOT], "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mmdet.models, mmseg.models, mmaction.models, timm, simmim_eval.backbones, numpy" in unwrapped(done)
    assert "GPU: " in done.stdout
    assert done.stdout.endswith("0 faults, 0 warnings\n")
