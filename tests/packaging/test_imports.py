"""Who loads what: the command line and the records stay light, and the plug has one name."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ("torch", "torchvision", "timm", "mmengine", "mmcv", "mmdet", "mmseg", "mmaction")
SLOW = (*FRAMEWORKS, "numpy", "scipy", "matplotlib", "skimage", "sklearn")


def python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("module", "barred"),
    [
        ("simmim_eval", SLOW),
        ("simmim_eval.cli", SLOW),
        ("simmim_eval.doctor", SLOW),
        ("simmim_eval.records", SLOW),
        ("simmim_eval.results", FRAMEWORKS),
        ("simmim_eval.registry", ("mmcv", "mmdet", "mmseg", "mmaction", "timm", "torchvision")),
    ],
)
def test_loads_nothing_that_it_should_not(module: str, barred: tuple[str, ...]) -> None:
    done = python(f"import sys, {module}; print([name for name in {barred} if name in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_folder_is_not_imported_under_its_own_name() -> None:
    done = python("import backbones")
    assert done.returncode != 0
    assert "simmim_eval.backbones" in done.stderr or "relative import" in done.stderr
