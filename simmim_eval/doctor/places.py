"""Files that are not where an import or a config looks for them."""

import csv
import json
from importlib.metadata import Distribution
from pathlib import Path

from simmim_eval.doctor.finding import Finding, pip
from simmim_eval.doctor.inventory import OWN, Inventory, find_module

__all__ = ["MODULES", "check_links", "check_mim_folders", "check_places", "check_version"]

# Distribution -> the folder that it installs.
MODULES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "mmengine": "mmengine",
    "mmcv-lite": "mmcv",
    "mmcv": "mmcv",
    "mmdet": "mmdet",
    "mmsegmentation": "mmseg",
    "mmaction2": "mmaction",
}
LINKS = ("backbones", "configs")
MIM = ("configs", "model-index.yml")  # what mmengine reads there


def check_links(root: Path) -> list[Finding]:
    """A checkout reaches two of its folders through symbolic links, which an archive or Windows may turn into files.

    Args:
        root: Folder of the package ``simmim_eval``.
    """
    broken = [name for name in LINKS if not (root / name).is_dir()]
    if not broken:
        return []
    what = f"{' and '.join(f'{root}/{name}' for name in broken)}: not a link to the folder beside the package"
    mend = " && ".join(f"rm -f {root}/{name} && ln -s ../{name} {root}/{name}" for name in broken)
    return [Finding("fault", OWN, what, mend)]


def check_version(inventory: Inventory, running: str, root: Path) -> list[Finding]:
    """The metadata, and with it the supported ranges, must be that of the code that runs.

    Args:
        inventory: What is installed.
        running: Version of the code.
        root: Folder of the package ``simmim_eval``.
    """
    known = inventory.version(OWN)
    if not known or known == running:
        return []
    what = f"{running} runs, from {root}, but {known} is installed"
    return [Finding("warning", OWN, what, pip("install", "--no-deps", "--editable", str(root.parent)))]


def check_places(inventory: Inventory) -> list[Finding]:
    """Each library is found where it was installed, and not in a folder of the same name earlier on the path."""
    found = []
    for name, module in MODULES.items():
        distribution = inventory.distributions.get(name)
        if distribution is None or _is_editable(distribution):
            continue
        expected, seen = Path(str(distribution.locate_file(module))), find_module(module)
        if seen is None or not expected.is_dir():
            what = f"{name} {distribution.version} is installed, but its files are gone from {expected}"
            mend = pip("install", "--force-reinstall", "--no-deps", f"{name}=={distribution.version}")
            found.append(Finding("fault", name, what, mend))
        elif seen.resolve() != expected.resolve():
            what = f"import {module} finds {seen}, not what is installed, {expected}"
            mend = f"rename {seen}, or take {seen.parent} out of PYTHONPATH and start from another folder"
            found.append(Finding("fault", name, what, mend))
    return found


def check_mim_folders(inventory: Inventory) -> list[Finding]:
    """Configs with ``_base_ = "mmdet::…"`` are read from ``.mim`` in the library's folder, which must be its own."""
    found = []
    for name in ("mmdet", "mmsegmentation", "mmaction2"):
        distribution = inventory.distributions.get(name)
        folder = find_module(MODULES[name])
        if distribution is None or folder is None:
            continue
        configs = folder / ".mim" / "configs"
        reinstall = pip("install", "--force-reinstall", "--no-deps", f"{name}=={distribution.version}")
        if _is_editable(distribution):
            if not all((configs.parent / one).exists() for one in MIM):
                what = f'{configs.parent} has no {" and ".join(MIM)}, so that _base_ = "{MODULES[name]}::…" fails'
                links = " ".join(f"{folder.parent}/{one}" for one in MIM)
                mend = f"mkdir -p {configs.parent} && ln -sfn -t {configs.parent} {links}"
                found.append(Finding("fault", name, what, mend))
            continue
        listed = _listed_configs(distribution)
        present = {str(path.relative_to(configs)) for path in configs.rglob("*.py")}
        lost, left = len(listed - present), len(present - listed)
        if listed and (lost or left):
            what = f"{configs}: {lost} configs of {distribution.version} are gone, {left} are of another version"
            clean = f"rm -rf {configs.parent} && {reinstall}"
            found.append(Finding("fault" if lost else "warning", name, what, clean))
    return found


def _listed_configs(distribution: Distribution) -> set[str]:
    """Configs that the distribution's own list of files names, below the folder ``configs``.

    Read as it lies there: from Python 3.12 on, ``distribution.files`` leaves out what is gone.
    """
    lines = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    names = (line[0].partition("/.mim/configs/")[2] for line in lines if line)
    return {name for name in names if name.endswith(".py")}


def _is_editable(distribution: Distribution) -> bool:
    text = distribution.read_text("direct_url.json")
    return bool(text and json.loads(text).get("dir_info", {}).get("editable"))
