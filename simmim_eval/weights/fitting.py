"""One value of a file made to fit one tensor of a backbone: another window or grid, a class token or none, clips."""

import math
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from simmim_eval.backbones import Backbone, SwinVideo
from simmim_eval.backbones.vit_relative import CLASS_ROWS
from simmim_eval.backbones.vit_resampling import resample
from simmim_eval.backbones.vit_trunk import ViTTrunk
from simmim_eval.errors import CheckpointError
from simmim_eval.weights.position_bias import class_rows, resize_table, table_side

__all__ = ["POSITIONS", "TABLE", "Inflates", "fit", "inflate"]

PATCH = "patch_embed.proj.weight"
POSITIONS = "pos_embed"
TABLE = "relative_position_bias_table"


@runtime_checkable
class Inflates(Protocol):
    """A backbone for clips that takes an image backbone's tensors."""

    def inflate(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same tensors for clips."""


def fit(name: str, value: Tensor, shape: torch.Size, backbone: Backbone) -> tuple[Tensor, str]:
    """``value`` in ``shape``, and what was done to it (empty: nothing).

    Args:
        name: Of the tensor in the backbone.
        value: The file's.
        shape: The backbone's; of a backbone for clips, as its image backbone has it.
        backbone: The target, whose grid tells rectangles from squares.

    Raises:
        CheckpointError: There is no way from one shape to the other.
    """
    if value.shape == shape:
        return value, ""
    try:
        if name.endswith(TABLE) and value.dim() == len(shape) == 2 and value.shape[1] == shape[1]:
            return _fit_table(name, value, shape, backbone)
        if name == POSITIONS and isinstance(backbone, ViTTrunk) and value.shape[::2] == shape[::2]:
            return _fit_positions(value, backbone.grid[1:], backbone.cls_token is not None)
    except CheckpointError as error:
        raise CheckpointError(f"{_shapes(value, shape)}: {error}") from error
    raise CheckpointError(_shapes(value, shape))


def inflate(name: str, value: Tensor, wanted: Tensor, backbone: Backbone) -> tuple[Tensor, str]:
    """An image backbone's value for a backbone for clips: fitted in the plane, then inflated by the backbone.

    Raises:
        CheckpointError: As :func:`fit`, or the backbone cannot be inflated.
    """
    fitted, change = fit(name, value, _plane(name, wanted, backbone), backbone)
    if fitted.shape == wanted.shape:
        return fitted, change
    if not isinstance(backbone, Inflates):
        raise CheckpointError(_shapes(value, wanted.shape))
    inflated = backbone.inflate({name: fitted})[name]
    return inflated, f"{change}, inflated over time" if change else "inflated over time"


def _plane(name: str, wanted: Tensor, backbone: Backbone) -> torch.Size:
    """The shape that a tensor of a backbone for clips has in its image backbone."""
    if wanted.dim() == 5:
        return wanted[:, :, 0].shape
    if name.endswith(TABLE) and isinstance(backbone, SwinVideo):
        return wanted[: len(wanted) // (2 * backbone.window_size_t - 1)].shape
    if name.endswith(TABLE) and isinstance(backbone, ViTTrunk):
        extra = _class_rows(backbone)
        return wanted[: (len(wanted) - extra) // (2 * backbone.grid[0] - 1) + extra].shape
    return wanted.shape


def _class_rows(backbone: ViTTrunk) -> int:
    """Rows at the end of its tables that belong to the class token."""
    return 0 if backbone.cls_token is None else CLASS_ROWS


def _fit_table(name: str, table: Tensor, shape: torch.Size, backbone: Backbone) -> tuple[Tensor, str]:
    """A table of relative positions; the rows of a class token stay as they are."""
    extra, kept = class_rows(table), 0
    target: int | tuple[int, int]
    if isinstance(backbone, ViTTrunk):
        kept = _class_rows(backbone)
        made_for = backbone.get_submodule(name.rpartition(".")[0]).made_for
        target = (2 * int(made_for[1]) - 1, 2 * int(made_for[2]) - 1)
    else:
        target = table_side(table.new_empty(shape))
    if kept > extra:
        raise CheckpointError(
            "the file's table has no rows for a class token. Build the backbone with class_token=False"
        )
    offsets, rows = table[: len(table) - extra], table[len(table) - extra :][:kept]
    side, changes = table_side(offsets), []
    resized = resize_table(offsets, target)
    if resized is not offsets:
        changes.append(f"table resized from side {side} to {_sides(target)}")
    if extra > kept:
        changes.append("rows of the class token left out")
    return torch.cat([resized, rows.to(resized)]), ", ".join(changes)


def _fit_positions(positions: Tensor, grid: tuple[int, int], class_token: bool) -> tuple[Tensor, str]:
    """Absolute positions (1, side² + slots, C) for another grid, bicubically as MAE resizes them."""
    side, slots = _square(positions.shape[1])
    first, cells = positions[:, :slots], positions[:, slots:]
    changes = []
    if (side, side) != grid:
        plane = resample(cells.float().unflatten(1, (side, side)), "bicubic", {1: grid[0], 2: grid[1]})
        cells = plane.flatten(1, 2)
        changes.append(f"positions resized from {side}x{side} to {grid[0]}x{grid[1]}")
    if slots and not class_token:
        first = first[:, :0]
        changes.append("position of the class token left out")
    elif class_token and not slots:
        first = cells.new_zeros(1, 1, cells.shape[2])
        changes.append("no position for the class token: 0")
    return torch.cat([first.to(cells), cells], 1), ", ".join(changes)


def _square(count: int) -> tuple[int, int]:
    """Side of the grid and slots before it, 0 or 1, of ``count`` absolute positions."""
    for slots in (0, 1):
        side = math.isqrt(count - slots)
        if side * side == count - slots:
            return side, slots
    raise CheckpointError("they belong to no square grid, with or without a class token")


def _sides(target: int | tuple[int, int]) -> str:
    sides = {target} if isinstance(target, int) else set(target)
    return str(sides.pop()) if len(sides) == 1 else f"{target}"


def _shapes(value: Tensor, shape: torch.Size) -> str:
    return f"{tuple(value.shape)} in the file, {tuple(shape)} in the backbone"
