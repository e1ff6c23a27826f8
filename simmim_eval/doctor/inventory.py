"""What is installed, by its metadata, beside what this package supports, by its own metadata.

Nothing is imported: metadata is read where pip wrote it.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from simmim_eval.doctor.finding import Finding, pip

__all__ = [
    "OPENCV",
    "OWN",
    "Inventory",
    "Package",
    "check_packages",
    "find_module",
    "list_packages",
    "read_inventory",
]

OWN = "simmim-eval"
OPENCV = (
    "opencv-python-headless",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-contrib-python",
)
OPENCV_RANGE = "opencv-python>=3"  # mmengine's and mmcv's

# Why a package is needed, where that does not go without saying.
REASONS = {
    "ftfy": "mmdet imports it with its multimodal models, and does not declare it",
    "importlib-metadata": "mmaction2 imports it, and does not declare it",
    "mmcv-lite": "mmdet, mmsegmentation and mmaction2 need it",
    "regex": "mmdet imports it with its multimodal models, and does not declare it",
    "setuptools": "mmengine imports pkg_resources, which setuptools 82 no longer has",
}


@dataclass(frozen=True)
class Inventory:
    """The installed distributions by canonical name, and the running Python."""

    distributions: Mapping[str, Distribution]
    python: str

    def version(self, name: str) -> str:
        """Version of an installed distribution, else an empty string."""
        found = self.distributions.get(canonicalize_name(name))
        return found.version or "" if found else ""

    def requirements(self, asker: str, *, extras: bool = False) -> list[Requirement]:
        """What ``asker`` requires here by its metadata; with ``extras`` also what only an extra of it asks for."""
        found = self.distributions.get(canonicalize_name(asker))
        read = [_parse(text) for text in (found.requires if found else None) or []]
        return [one for one in read if one and (extras or not one.marker or one.marker.evaluate({"extra": ""}))]

    def requirement(self, name: str) -> str:
        """What pip is to be told to install: the range that this package declares, or the bare name."""
        wanted = canonicalize_name(name)
        declared = [one for one in self.requirements(OWN) if canonicalize_name(one.name) == wanted]
        return f"{declared[0].name}{_spell(declared[0])}" if declared else name


@dataclass(frozen=True)
class Package:
    """A line of the table of packages.

    Attributes:
        name: Distribution, or ``Python``.
        version: Installed version, or an empty string.
        supported: Range, or an empty string for any.
        state: ``ok``, ``missing`` or ``unsupported``; ``optional`` where it may be missing, and is.
    """

    name: str
    version: str
    supported: str
    state: str


def read_inventory(path: Sequence[str] | None = None) -> Inventory:
    """Read the metadata on ``path``, by default on ``sys.path``; of two distributions of one name the first counts."""
    found: dict[str, Distribution] = {}
    for one in distributions() if path is None else distributions(path=list(path)):
        if name := _name(one):
            found.setdefault(canonicalize_name(name), one)
    return Inventory(found, ".".join(map(str, sys.version_info[:3])))


def find_module(name: str) -> Path | None:
    """Folder of a top-level package as an import in a new process would find it; None where it would not."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None, None)
        if spec is not None:
            return Path(spec.origin).parent if spec.origin else None
    return None


def list_packages(inventory: Inventory) -> list[Package]:
    """Python, everything that this package declares, OpenCV in the builds that are there, and decord."""
    own = inventory.distributions.get(OWN)
    python = (own.metadata["Requires-Python"] or "") if own else ""
    return [
        _package("Python", inventory.python, Requirement(f"Python{python}")),
        *(_declared(inventory, one) for one in inventory.requirements(OWN)),
        *_cuda(),
        *_opencv(inventory),
        _package("decord", inventory.version("decord"), Requirement("decord"), optional=True),
    ]


def check_packages(inventory: Inventory, packages: Sequence[Package]) -> list[Finding]:
    """A fault for each package that is missing or outside its range; Python has its own check."""
    if OWN not in inventory.distributions:
        what = "is not installed, only its folder is found: the supported versions of the packages are not known"
        return [Finding("fault", OWN, what, f"{pip('install', '--no-deps', '--editable')} FOLDER_OF_THE_CHECKOUT")]
    found = []
    for one in packages:
        if one.state not in ("missing", "unsupported") or one.name == "Python":
            continue
        what = f"{one.version} is installed; supported is {one.supported}" if one.version else "is not installed"
        reason = REASONS.get(canonicalize_name(one.name))
        name = "opencv-python-headless" if one.name in OPENCV else one.name
        mend = pip("install", inventory.requirement(name))
        if one.name == "mmcv":  # a compiled one: its wheels end at old versions of PyTorch
            mend = f"{pip('uninstall', '-y', one.name)} && {pip('install', inventory.requirement('mmcv-lite'))}"
        found.append(Finding("fault", one.name, f"{what} ({reason})" if reason else what, mend))
    return found


def _declared(inventory: Inventory, requirement: Requirement) -> Package:
    compiled = inventory.version("mmcv")
    if requirement.name == "mmcv-lite" and compiled and not inventory.version("mmcv-lite"):
        return _package("mmcv", compiled, requirement)
    return _package(requirement.name, inventory.version(requirement.name), requirement)


def _cuda() -> Iterator[Package]:
    """The CUDA that torch is built for, from the file that holds it."""
    file = (find_module("torch") or Path()) / "version.py"
    found = (
        re.search(r"^cuda\b.*= *'([\d.]+)'", file.read_text(encoding="utf-8"), re.MULTILINE) if file.is_file() else None
    )
    if found:
        yield Package("torch's CUDA", found[1], "", "ok")


def _opencv(inventory: Inventory) -> Iterator[Package]:
    for name in [name for name in OPENCV if inventory.version(name)] or OPENCV[:1]:
        yield _package(name, inventory.version(name), Requirement(OPENCV_RANGE))


def _package(name: str, version: str, requirement: Requirement, *, optional: bool = False) -> Package:
    if not version:
        state = "optional" if optional else "missing"
    else:
        state = "ok" if requirement.specifier.contains(version, prereleases=True) else "unsupported"
    return Package(name, version, _spell(requirement), state)


def _name(distribution: Distribution) -> str:
    """Its name, or an empty string where an interrupted installation left an empty or a broken folder."""
    try:
        return distribution.metadata["Name"] or ""
    except Exception:  # pip cannot read it either, and takes it for not installed
        return ""


def _spell(requirement: Requirement) -> str:
    """The range, the lower bound first."""
    return ",".join(sorted(map(str, requirement.specifier), reverse=True))


def _parse(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # old projects; they ask for nothing that is looked up here
        return None
