"""The demo's recipes by the word that tests use for them, cut down to a few steps."""

from pathlib import Path
from typing import Any

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest

CONFIGS = Path(__file__).parents[1] / "configs"
TRANSFER = ("classification", "detection", "segmentation", "recognition")
STEPS = 2
FEW = {"train_cfg.max_iters": STEPS}


def _only(pattern: str) -> str:
    (path,) = CONFIGS.glob(pattern)
    return path.relative_to(CONFIGS).as_posix()


RECIPES = {task: _only(f"{task}/*_swin-nano_*_demo.py") for task in TRANSFER} | {
    method: _only(f"pretrain/{method}_swin-nano_*_demo.py") for method in ("simmim", "supervised")
}


def request(name: str, data_root: Path, init: str = "random", **changes: Any) -> RunRequest:
    """A request for a short run; ``options`` come on top of the few steps."""
    options = FEW | changes.pop("options", {})
    return RunRequest(RECIPES[name], InitSource.parse(init), data_root, options=options, **changes)
