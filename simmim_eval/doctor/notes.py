"""What works here and fails elsewhere: the limits of this very set of versions, by metadata alone."""

import platform

from packaging.version import Version

from simmim_eval.doctor.finding import Finding, pip
from simmim_eval.doctor.inventory import Inventory

__all__ = ["check_decord", "check_numpy_names", "check_weights_only"]

FIRST_WEIGHTS_ONLY = Version("2.6")  # torch.load's default from there on
STOCK_TEST = "python -m simmim_eval.compat tools/test.py CONFIG CHECKPOINT"


def check_weights_only(inventory: Inventory) -> list[Finding]:
    """mmengine 0.10 reads its own checkpoints with ``torch.load``'s default, which refuses what it pickled."""
    torch, mmengine = inventory.version("torch"), inventory.version("mmengine")
    if not torch or not mmengine or Version(torch) < FIRST_WEIGHTS_ONLY or Version(mmengine) >= Version("0.11"):
        return []
    what = (
        f"torch {torch} reads with weights_only=True by default, so that stock test.py, --resume and load_from end "
        "in an UnpicklingError at mmengine's own checkpoints. This package reads them; a stock script starts as"
    )
    return [Finding("ok", "checkpoints", what, STOCK_TEST)]


def check_decord(inventory: Inventory, machine: str = platform.machine()) -> list[Finding]:
    """Our recipes read videos with PyAV; stock configs name decord."""
    if inventory.version("decord"):
        return []
    what = "not installed and not needed by our recipes, which read videos with PyAV. A stock config with DecordInit"
    if machine.lower() not in ("x86_64", "amd64"):
        mend = 'in the config: type="PyAVInit" and type="PyAVDecode" in place of DecordInit and DecordDecode'
        return [Finding("ok", "decord", f"{what} needs it, and there is no wheel for {machine}", mend)]
    return [Finding("ok", "decord", f"{what} needs", pip("install", "decord"))]


def check_numpy_names(inventory: Inventory) -> list[Finding]:
    """A few files of mmaction2 and mmdet, beside the way of our tasks, use names that numpy 2 removed."""
    numpy = inventory.version("numpy")
    if not numpy or Version(numpy).major < 2 or not inventory.version("mmaction2"):
        return []
    what = (
        f"numpy {numpy} has no np.Inf and np.float: our tasks run, mmaction2's AVA and skeleton tasks and mmdet's "
        "YouTube-VIS metric do not. For these"
    )
    mend = f"{pip('install', 'numpy>=1.26,<2')} (Python 3.11 or 3.12)"
    return [Finding("ok", "numpy", what, mend)]
