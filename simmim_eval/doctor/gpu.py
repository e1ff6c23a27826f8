"""Whether torch uses the GPU that is there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simmim_eval.doctor.conflicts import pair_mend
from simmim_eval.doctor.finding import Finding, pip
from simmim_eval.doctor.inventory import Inventory

__all__ = ["check_gpu", "find_devices"]

# CUDA of the driver -> torch's wheels that any driver of that generation runs.
WHEELS = {11: "cu118", 12: "cu126"}


def find_devices() -> list[Path]:
    """The device files of NVIDIA GPUs."""
    return sorted(Path("/dev").glob("nvidia[0-9]*"))


def check_gpu(
    facts: Mapping[str, Any], printed: str, inventory: Inventory, *, devices: bool, visible: str | None
) -> list[Finding]:
    """What torch sees.

    Args:
        facts: Of :func:`simmim_eval.doctor.child.gpu_facts`.
        printed: What torch wrote meanwhile; it warns of an old driver.
        inventory: What is installed.
        devices: Whether the machine has NVIDIA GPUs.
        visible: ``CUDA_VISIBLE_DEVICES``; None where it is not set.
    """
    build = f"CUDA {facts['cuda']}" if facts["cuda"] else f"ROCm {facts['hip']}" if facts["hip"] else ""
    if facts["fails"]:
        what = f"torch ({build}) sees {'; '.join(facts['names'])}, but cannot compute there: {facts['fails']}"
        mend = pip("install", "--upgrade", inventory.requirement("torch"), inventory.requirement("torchvision"))
        return [Finding("fault", "GPU", what, mend)]
    if facts["names"]:
        return [Finding("ok", "GPU", f"{'; '.join(facts['names'])} (torch with {build})")]
    if not devices:
        return [Finding("ok", "GPU", f"none; torch ({build or 'CPU build'}) uses the CPU")]
    if visible is not None and visible.strip() in ("", "-1"):
        return [Finding("ok", "GPU", f'hidden by CUDA_VISIBLE_DEVICES="{visible}"')]
    if not build:
        return [Finding("warning", "GPU", "there is one, but torch is a build for the CPU", _rebuilt(inventory, ""))]
    old = re.search(r"driver on your system is too old \(found version (\d+)\)", printed)
    if old:
        driver = int(old[1])
        what = f"the driver knows CUDA {driver // 1000}.{driver % 1000 // 10}, torch is built for {build}"
        wheels = WHEELS.get(driver // 1000)
        mend = _rebuilt(inventory, wheels) if wheels else "update the NVIDIA driver"
        return [Finding("warning", "GPU", what, mend)]
    reason = next((line.strip() for line in printed.splitlines() if "CUDA" in line), "torch does not say why")
    return [Finding("warning", "GPU", f"there is one, but torch ({build}) cannot use it: {reason}", "nvidia-smi")]


def _rebuilt(inventory: Inventory, wheels: str) -> str:
    if not wheels:
        return pair_mend(inventory, local=False)
    index = f"https://download.pytorch.org/whl/{wheels}"
    wanted = (inventory.requirement("torch"), inventory.requirement("torchvision"))
    return pip("install", "--force-reinstall", *wanted, "--index-url", index)
