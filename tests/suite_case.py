"""A suite of one column, small enough to be run over and over."""

from pathlib import Path

from demo_case import RECIPES


def small_suite(path: Path, *inits: str) -> Path:
    """Write a suite: classification from ``inits``, of ``random`` and ``supervised``."""
    arm = {"transfer": [RECIPES["classification"]]}
    if "supervised" in inits:
        arm["pretraining"] = {"supervised": {"recipe": RECIPES["supervised"]}}
    path.write_text(f'title = "Small"\narms = [{arm!r}]\ninits = {list(inits)!r}\nnotes = ["tiny"]\n')
    return path
