"""What the package imports is what it declares, and one version is told everywhere."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import simmim_eval

ROOT = Path(__file__).parents[2]
# Left to mmengine and mmcv-lite, which ask for it under another name (see pyproject.toml).
UNDECLARED = {"opencv-python-headless"}
OPTIONAL = {"decord"}


def imported_packages() -> dict[str, str]:
    """Top-level name of each third-party import -> one file that has it."""
    found: dict[str, str] = {}
    files = [
        path for folder in ("simmim_eval", "backbones", "configs", "tools") for path in (ROOT / folder).rglob("*.py")
    ]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            else:
                continue
            found.update({name.split(".")[0]: str(path.relative_to(ROOT)) for name in names})
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names | {"simmim_eval"}}


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]} | UNDECLARED
    owners = packages_distributions()
    undeclared = {
        name: path
        for name, path in imported_packages().items()
        if name not in OPTIONAL and not {canonicalize_name(owner) for owner in owners.get(name, [])} & declared
    }
    assert undeclared == {}


def test_one_version_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1) == simmim_eval.__version__
    assert re.search(r"^## (\S+)", changelog, re.MULTILINE).group(1) == simmim_eval.__version__
