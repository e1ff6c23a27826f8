"""Packages that do not go together, by their metadata alone."""

from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from simmim_eval.doctor.finding import Finding, pip
from simmim_eval.doctor.inventory import OPENCV, Inventory

__all__ = [
    "check_asserts",
    "check_mmcv_builds",
    "check_opencv_builds",
    "check_python",
    "check_torchvision",
    "headless_mend",
    "lite_mend",
    "pair_mend",
]

MMCV = ("mmcv-lite", "mmcv", "mmcv-full", "onedl-mmcv")  # all of them write into the folder mmcv/
OPENMMLAB = ("mmdet", "mmsegmentation", "mmaction2")
LAST_PYTHON = (3, 13)
TORCHVISION_BEFORE_TORCH = 15  # torchvision 0.(n + 15) belongs to torch 2.n


def check_python(inventory: Inventory) -> list[Finding]:
    """mmengine and mmcv call ``pkgutil.find_loader``, which Python 3.14 no longer has."""
    version = Version(inventory.python)
    if version.release[:2] > LAST_PYTHON:
        what = f"{version} has no pkgutil.find_loader, which mmengine and mmcv call"
    elif version.release[:2] < (3, 11):
        what = f"{version} is older than 3.11"
    else:
        return []
    return [Finding("fault", "Python", what, "python3.13 -m venv .venv && source .venv/bin/activate")]


def check_mmcv_builds(inventory: Inventory) -> list[Finding]:
    """At most one distribution may own the folder ``mmcv``."""
    builds = _builds(inventory, MMCV)
    if len(builds) < 2:
        return []
    what = f"{_named(inventory, builds)} are installed into one folder: each has overwritten files of the other"
    return [Finding("fault", "mmcv", what, lite_mend(inventory))]


def check_asserts(inventory: Inventory) -> list[Finding]:
    """The range of mmcv that the task libraries assert at import, from their metadata."""
    builds = _builds(inventory, MMCV)
    if len(builds) != 1:
        return []
    version = inventory.version(builds[0])
    refusals = [
        f"{asker} wants mmcv {one.specifier}"
        for asker in OPENMMLAB
        for one in inventory.requirements(asker, extras=True)
        if one.name == "mmcv" and not one.specifier.contains(version, prereleases=True)
    ]
    if not refusals:
        return []
    what = f'"MMCV=={version} is used but incompatible": {", ".join(refusals)}'
    return [Finding("fault", "mmcv", what, lite_mend(inventory))]


def check_opencv_builds(inventory: Inventory) -> list[Finding]:
    """Builds of OpenCV share the folder ``cv2``: the one that was installed last has written over the other."""
    builds = _builds(inventory, OPENCV)
    if len(builds) < 2:
        return []
    what = f"{_named(inventory, builds)} are installed into one folder: only the last one is whole"
    return [Finding("warning", "OpenCV", what, headless_mend(inventory))]


def check_torchvision(inventory: Inventory) -> list[Finding]:
    """Each torchvision is compiled against one torch, and for the same CUDA."""
    torch, vision = (_version(inventory.version(name)) for name in ("torch", "torchvision"))
    if torch is None or vision is None:
        return []
    if torch.major == 2 and vision.release[:2] != (0, torch.minor + TORCHVISION_BEFORE_TORCH):
        reason = "of another version than"
    elif torch.local and vision.local and torch.local != vision.local:
        reason = "of another build than"
    else:
        return []
    what = f"{vision} is compiled against a torch {reason} {torch}: operator torchvision::nms does not exist"
    return [Finding("fault", "torchvision", what, pair_mend(inventory))]


def pair_mend(inventory: Inventory, *, local: bool = True) -> str:
    """The command that brings the torchvision of the installed torch; without ``local``, both in PyPI's build."""
    torch = _version(inventory.version("torch"))
    if torch is None or torch.major != 2:
        return pip("install", "--upgrade", inventory.requirement("torch"), inventory.requirement("torchvision"))
    index = ("--index-url", f"https://download.pytorch.org/whl/{torch.local}") if local and torch.local else ()
    vision = f"torchvision==0.{torch.minor + TORCHVISION_BEFORE_TORCH}.*"
    return pip("install", "--force-reinstall", f"torch=={torch.public}", vision, *index)


def lite_mend(inventory: Inventory) -> str:
    """The command that leaves mmcv-lite, in the supported version, as the only mmcv."""
    others = _builds(inventory, MMCV)
    install = pip("install", inventory.requirement("mmcv-lite"))
    return install if others in ([], ["mmcv-lite"]) else f"{pip('uninstall', '-y', *others)} && {install}"


def headless_mend(inventory: Inventory) -> str:
    """The command that leaves OpenCV's headless build as the only one."""
    return f"{pip('uninstall', '-y', *_builds(inventory, OPENCV))} && {pip('install', 'opencv-python-headless')}"


def _builds(inventory: Inventory, names: Iterable[str]) -> list[str]:
    return [name for name in names if inventory.version(name)]


def _named(inventory: Inventory, builds: Iterable[str]) -> str:
    return " and ".join(f"{name} {inventory.version(name)}" for name in builds)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
