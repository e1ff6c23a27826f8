"""SwinV2 computes position biases from offsets measured in the window of pre-training; nothing in a file is resized.

A backbone with another window has to be told that window, and only a file's derived buffers betray it.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from simmim_eval.backbones import Backbone, SwinV2

__all__ = ["position_scale_note"]

COORDINATES = re.compile(r"layers\.(\d+)\.blocks\.0\.attn\.relative_coords_table")


def position_scale_note(derived: Mapping[str, Tensor], backbone: Backbone) -> str | None:
    """A sentence if the file's biases were learned for offsets measured in other windows than the backbone's.

    Args:
        derived: Buffers of the file, by names without a prefix.
        backbone: The target, of any family.
    """
    if not isinstance(backbone, SwinV2):
        return None
    theirs = {int(match[1]): _unit(table) for name, table in derived.items() if (match := COORDINATES.fullmatch(name))}
    ours = {
        stage: _unit(backbone.get_submodule(f"layers.{stage}.blocks.0.attn").get_buffer("relative_coords_table"))
        for stage in theirs
        if stage < backbone.num_stages
    }
    if any(0 not in (unit, theirs[stage]) and unit != theirs[stage] for stage, unit in ours.items()):
        windows = tuple(theirs[stage] for stage in sorted(theirs))
        return (
            f"The file's position biases belong to windows {windows}, the backbone measures offsets in "
            f"{tuple(ours[stage] for stage in sorted(ours))}: give it pretrained_window_sizes={windows}"
        )
    return None


def _unit(coordinates: Tensor) -> int:
    """The window in which a table (1, 2w - 1, 2w - 1, 2) measures offsets: sign · log2(8 d / (unit - 1) + 1) / 3.

    0 for a window of one cell, which has no offsets.
    """
    largest = float(coordinates.max())
    if coordinates.shape[1] < 3 or largest <= 0:
        return 0
    return 1 + round(8 * (coordinates.shape[1] // 2) / (8**largest - 1))
