"""What the errors of a broken installation mean: their texts, as the libraries write them, and the line that mends.

The table is asked from top to bottom; an error that none of its patterns matches gets the library installed again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from simmim_eval.doctor.conflicts import headless_mend, lite_mend, pair_mend
from simmim_eval.doctor.finding import Finding, pip
from simmim_eval.doctor.inventory import OPENCV, Inventory
from simmim_eval.doctor.trials import GPU, Outcome

__all__ = ["SYMPTOMS", "Symptom", "explain", "explain_print"]

# Top-level module -> distribution, where the names differ.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "_yaml": "pyyaml",
    "mmaction": "mmaction2",
    "mmcv": "mmcv-lite",
    "mmseg": "mmsegmentation",
    "pkg_resources": "setuptools",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
OLD_NUMPY = ("install", "numpy>=1.26,<2")
LONGEST = 240  # characters of an error that are shown


@dataclass(frozen=True)
class Symptom:
    """A text in an error or a print, its cause, and the mend, a function of inventory and failing library."""

    pattern: str
    cause: str
    mend: Callable[[Inventory, str], str]


def _reinstall(inventory: Inventory, library: str) -> str:
    """Install the library's distribution again, in the supported range, and nothing else."""
    if library == "simmim_eval":
        return f"in the checkout: {pip('install', '--no-deps', '--editable', '.')}"
    return pip("install", "--force-reinstall", "--no-deps", inventory.requirement(_distribution(inventory, library)))


def _numpy(inventory: Inventory, library: str) -> str:
    """A newer build of the library, or the old numpy for those that have none."""
    if library in ("", "mmcv", "decord") or not inventory.version(_distribution(inventory, library)):
        return pip(*OLD_NUMPY)
    name = _distribution(inventory, library)
    return pip("install", "--upgrade", "--force-reinstall", "--no-deps", inventory.requirement(name))


NUMPY_BUILD = Symptom(
    r"compiled using NumPy 1\.x|_ARRAY_API not found|numpy\.(dtype|ndarray) size changed"
    r"|module compiled against A[BP]I version|numpy[._]core[.\w]* failed to import",
    "compiled for another numpy than the one installed",
    _numpy,
)
SYMPTOMS = (
    Symptom(
        r"No module named 'pkg_resources'",
        "mmengine imports pkg_resources, which setuptools 82 no longer has",
        lambda inventory, library: pip("install", inventory.requirement("setuptools")),
    ),
    Symptom(
        r"MMCV==\S+ is used but incompatible",
        "the task libraries refuse this mmcv",
        lambda inventory, library: lite_mend(inventory),
    ),
    Symptom(
        r"MMEngine==\S+ is used but incompatible",
        "the task libraries refuse this mmengine",
        lambda inventory, library: pip("install", inventory.requirement("mmengine")),
    ),
    Symptom(
        r"mmcv/_ext\.[^:\n]*: undefined symbol|mmcv/utils/ext_loader\.py[\s\S]*cannot open shared object",
        "mmcv's operators are compiled for another torch; without them the stand-ins serve",
        lambda inventory, library: lite_mend(inventory),
    ),
    Symptom(
        r"lib(GL|SM|Xext|Xrender|gthread-2\.0|glib-2\.0)\.so[.\d]*: cannot open shared object",
        "OpenCV's GUI build needs a library of the desktop; the headless build does not",
        lambda inventory, library: headless_mend(inventory),
    ),
    Symptom(
        r"operator torchvision::\w+ does not exist|Couldn't load custom C\+\+ ops"
        r"|torchvision/_C\.so[^\n]*undefined symbol",
        "torchvision is compiled against another torch",
        lambda inventory, library: pair_mend(inventory),
    ),
    Symptom(
        r"lib(torch|c10|cu|nv|nccl)[\w-]*\.so[.\d]*: (cannot open shared object|undefined symbol)",
        "torch and its CUDA libraries are not of one installation",
        lambda inventory, library: pair_mend(inventory),
    ),
    NUMPY_BUILD,
    Symptom(
        r"`?np\.\w+`? was removed in the NumPy 2|module 'numpy' has no attribute",
        "uses a name that numpy 2 removed",
        lambda inventory, library: pip(*OLD_NUMPY),
    ),
    Symptom(
        r"'pkgutil' has no attribute 'find_loader'",
        "Python 3.14 has no pkgutil.find_loader, which mmengine and mmcv call",
        lambda inventory, library: "python3.13 -m venv .venv && source .venv/bin/activate",
    ),
    Symptom(
        r"'pkgutil' has no attribute 'ImpImporter'",
        "this setuptools is older than Python 3.12",
        lambda inventory, library: pip("install", inventory.requirement("setuptools")),
    ),
    Symptom(
        r"did not end within",
        "it hangs, or the disk is slow",
        lambda inventory, library: "simmim-eval doctor --time-limit 120",
    ),
    Symptom(
        r"ended by SIGKILL",
        "killed from outside, as for want of memory",
        lambda inventory, library: "free some memory, then: simmim-eval doctor",
    ),
)


def explain(outcome: Outcome, inventory: Inventory) -> Finding:
    """The fault behind a failed trial."""
    text = f"{outcome.error}\n{outcome.printed}"
    library = _library(text) or _top(outcome)
    message = _last_line(outcome.error)
    for symptom in SYMPTOMS:
        if re.search(symptom.pattern, text):
            return _fault(outcome, f"{message} ({symptom.cause})", symptom.mend(inventory, library))
    missing = re.search(r"No module named '([\w.]+)'", message)
    if missing:
        library = missing[1].split(".")[0]
        name = _distribution(inventory, library)
        if not inventory.version(name):
            return _fault(outcome, message, pip("install", inventory.requirement(name)))
    return _fault(outcome, message, _reinstall(inventory, library))


def explain_print(outcome: Outcome, inventory: Inventory) -> list[Finding]:
    """What a trial that went well nevertheless complained of: numpy only prints, and fails later."""
    if not re.search(NUMPY_BUILD.pattern, outcome.printed):
        return []
    mend = NUMPY_BUILD.mend(inventory, _library(outcome.printed) or _top(outcome))
    return [_fault(outcome, NUMPY_BUILD.cause, mend)]


def _fault(outcome: Outcome, what: str, mend: str) -> Finding:
    subject = "GPU" if outcome.module == GPU else f"import {outcome.module}"
    return Finding("fault", subject, what, mend)


def _top(outcome: Outcome) -> str:
    """The library that the trial is of."""
    return "torch" if outcome.module == GPU else outcome.module.split(".")[0]


def _last_line(error: str) -> str:
    line = next((line.strip() for line in reversed(error.splitlines()) if line.strip()), "")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _library(text: str) -> str:
    """The innermost library of the traceback in ``text`` but numpy itself, or an empty string."""
    found = [name for name in re.findall(r'File "[^"]*-packages/(\w+)[/.]', text) if name != "numpy"]
    if not found:
        return ""
    return found[0] if "most recent call first" in text else found[-1]


def _distribution(inventory: Inventory, library: str) -> str:
    """The installed distribution of a top-level module, as far as its name tells."""
    if library == "cv2":
        return next((name for name in OPENCV if inventory.version(name)), OPENCV[0])
    if library == "mmcv" and inventory.version("mmcv"):
        return "mmcv"
    return DISTRIBUTIONS.get(library, canonicalize_name(library))
