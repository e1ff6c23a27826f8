"""All checks, in the order in which a reader wants their findings."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import simmim_eval
from simmim_eval.doctor import conflicts, notes, operators, places
from simmim_eval.doctor.finding import Finding, Kind, merge
from simmim_eval.doctor.gpu import check_gpu, find_devices
from simmim_eval.doctor.inventory import Inventory, Package, check_packages, list_packages, read_inventory
from simmim_eval.doctor.symptoms import explain, explain_print
from simmim_eval.doctor.trials import GPU, Outcome, Trial, choose_chains, run_chains

__all__ = ["Examination", "examine", "judge"]

ROOT = Path(simmim_eval.__file__).parent


@dataclass(frozen=True)
class Examination:
    """The table of packages, and what all checks found."""

    packages: Sequence[Package]
    findings: Sequence[Finding]

    def count(self, kind: Kind) -> int:
        return sum(finding.kind == kind for finding in self.findings)


def examine(
    *,
    imports: bool,
    limit: float,
    progress: Callable[[str], None] = lambda module: None,
    chains: Sequence[Sequence[Trial]] = (),
) -> Examination:
    """Examine the installation of the running interpreter.

    Args:
        imports: Also import the libraries, which takes half a minute.
        limit: Seconds that one import may take.
        progress: Told each module whose trial has ended.
        chains: What to import, if not everything.
    """
    inventory = read_inventory()
    packages = list_packages(inventory)
    checks: tuple[Callable[[], list[Finding]], ...] = (
        lambda: conflicts.check_python(inventory),
        lambda: places.check_links(ROOT),
        lambda: places.check_version(inventory, simmim_eval.__version__, ROOT),
        lambda: conflicts.check_mmcv_builds(inventory),
        lambda: conflicts.check_asserts(inventory),
        lambda: conflicts.check_torchvision(inventory),
        lambda: conflicts.check_opencv_builds(inventory),
        lambda: places.check_places(inventory),
        lambda: places.check_mim_folders(inventory),
        lambda: check_packages(inventory, packages),
        operators.check_operators,
        operators.check_drn,
        lambda: notes.check_weights_only(inventory),
        lambda: notes.check_numpy_names(inventory),
        lambda: notes.check_decord(inventory),
    )
    findings = [finding for check in checks for finding in _safely(check)]
    if imports:
        outcomes = run_chains(chains or choose_chains(inventory), limit, progress)
        findings += _safely(lambda: judge(outcomes, inventory))
    return Examination(packages, merge(findings))


def judge(outcomes: Sequence[Outcome], inventory: Inventory) -> list[Finding]:
    """Findings of the trials: one for all imports that went well, one for each that failed, one for the GPU."""
    findings: list[Finding] = []
    good = [one for one in outcomes if not one.error and not one.waits_for and one.module != GPU]
    if good:
        slowest = max(good, key=lambda one: one.seconds)
        what = (
            f"{', '.join(one.module for one in good)} work; the slowest, {slowest.module}, took {slowest.seconds:.1f} s"
        )
        findings.append(Finding("ok", "imports", what))
    for one in outcomes:
        if one.error:
            findings.append(explain(one, inventory))
        elif one.module == GPU and not one.waits_for:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES")
            findings += check_gpu(one.facts, one.printed, inventory, devices=bool(find_devices()), visible=visible)
        else:
            findings += explain_print(one, inventory)
    left_out = [f"{one.module} (needs {one.waits_for})" for one in outcomes if one.waits_for]
    if left_out:
        findings.append(Finding("warning", "imports", f"not tried: {', '.join(left_out)}"))
    return findings


def _safely(check: Callable[[], list[Finding]]) -> list[Finding]:
    """A check's findings; metadata broken beyond what it foresees costs this check only."""
    try:
        return check()
    except Exception as error:
        return [Finding("warning", "doctor", f"a check failed: {type(error).__name__}: {error}")]
