"""The wheel, by way of the sdist, holds exactly the files of the three folders and works away from the clone."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LINKED = ("backbones", "configs")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Files that git holds, or would after ``git add``, relative to the root."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    return [path for path in map(Path, filter(None, listed.split("\0"))) if os.path.lexists(ROOT / path)]


@pytest.fixture(scope="module")
def wheel(tracked: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = tmp_path_factory.mktemp("clone")
    for path in tracked:
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, clone / path, follow_symlinks=False)
    run(sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", cwd=clone)
    (built,) = (clone / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    run(*pip, "--target", target, wheel, cwd=target)
    return target


def test_holds_the_files_that_git_holds(tracked: list[Path], wheel: Path) -> None:
    expected = {}
    for path in tracked:
        if path.parts[0] in LINKED:
            expected[f"simmim_eval/{path}"] = (ROOT / path).read_bytes()
        elif path.parts[0] == "simmim_eval" and not (ROOT / path).is_symlink():
            expected[str(path)] = (ROOT / path).read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        held = {name: archive.read(name) for name in names}
    assert len(expected) > 50
    assert sorted(held) == sorted(expected)
    assert held == expected


def test_is_imported_from_elsewhere(installed: Path) -> None:
    script = (
        "import importlib.resources as resources, simmim_eval, simmim_eval.cli, simmim_eval.backbones as backbones\n"
        "print(simmim_eval.__file__)\n"
        "print(backbones.__file__)\n"
        "print((resources.files('simmim_eval.configs') / 'suites' / 'demo.py').is_file())\n"
        "print(resources.files('simmim_eval').joinpath('py.typed').is_file())\n"
    )
    printed = run(sys.executable, "-c", script, cwd=Path("/"), PYTHONPATH=str(installed)).splitlines()
    package = installed / "simmim_eval"
    assert printed == [str(package / "__init__.py"), str(package / "backbones" / "__init__.py"), "True", "True"]


def test_command_answers_from_elsewhere(installed: Path) -> None:
    help_text = run(installed / "bin" / "simmim-eval", "--help", cwd=Path("/"), PYTHONPATH=str(installed))
    assert "pretrain" in help_text and "transfer" in help_text


def test_types_and_licence_travel_with_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert archive.read("simmim_eval/py.typed") == b""
