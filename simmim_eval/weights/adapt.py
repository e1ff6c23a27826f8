"""A translated state dict to the values that one backbone takes, with a reason for each tensor."""

import re
from collections.abc import Sequence

from torch import Tensor

from simmim_eval.backbones import Backbone, SwinVideo
from simmim_eval.errors import CheckpointError
from simmim_eval.weights.format import Translation
from simmim_eval.weights.position_bias import resize_table, table_side
from simmim_eval.weights.report import Entry, Report

__all__ = ["MISFIT", "adapt_state_dict"]

TABLE = "relative_position_bias_table"
MISFIT = "does not fit"
PATCH = "patch_embed.proj.weight"
OUTPUT_NORM = re.compile(r"norm\d*\.(weight|bias)")
EARLIER_NORM = re.compile(r"norm\d+\.(weight|bias)")


def adapt_state_dict(
    translation: Translation, backbone: Backbone, format_name: str, new: Sequence[str] = ()
) -> tuple[dict[str, Tensor], Report]:
    """Fit a translated file to a backbone; nothing is written into the backbone.

    Args:
        translation: What a format made of the file.
        backbone: The target.
        format_name: For the report.
        new: Modules or parameters of the backbone that may stay as they were drawn.

    Returns:
        The values to load, by the backbone's names, and the report. Where it lists missing or unexpected tensors
        the values are incomplete.
    """
    target = backbone.state_dict()
    of_images = translation.state[PATCH].dim() == 4
    report = Report(format_name, dropped=list(translation.dropped), unexpected=list(translation.unexpected))
    values: dict[str, Tensor] = {}
    unfit: dict[str, str] = {}
    for name, value in translation.state.items():
        source = translation.sources[name]
        if name not in target:
            reason = _reason_to_drop(name)
            kept_out = report.dropped if reason else report.unexpected
            kept_out.append(Entry(source, reason or "the backbone has no such tensor"))
            continue
        try:
            if of_images and isinstance(backbone, SwinVideo):
                values[name], change = _inflate(name, value, target[name], backbone)
            else:
                values[name], change = _fit(name, value, target[name], of_images=of_images)
        except CheckpointError as error:
            unfit[name] = str(error)
            report.unexpected.append(Entry(source, f"{MISFIT} {name}"))
            continue
        (report.adapted if change else report.matched).append(Entry(name, change or source))
    for name in target:
        if name not in values:
            _account(name, unfit.get(name), new, report)
    return values, report


def _fit(name: str, value: Tensor, wanted: Tensor, *, of_images: bool) -> tuple[Tensor, str]:
    """The value in the wanted shape, and what was done to it (empty: nothing)."""
    if value.shape == wanted.shape:
        return value, ""
    same_heads = value.dim() == wanted.dim() == 2 and value.shape[1] == wanted.shape[1]
    if of_images and name.endswith(TABLE) and same_heads:
        side = table_side(wanted)
        return resize_table(value, side), f"table resized from side {table_side(value)} to {side}"
    raise CheckpointError(f"{tuple(value.shape)} in the file, {tuple(wanted.shape)} in the backbone")


def _inflate(name: str, value: Tensor, wanted: Tensor, backbone: SwinVideo) -> tuple[Tensor, str]:
    """An image backbone's value for a clip backbone: resized in the plane, then repeated over time."""
    plane = wanted
    if name == PATCH:
        plane = wanted[:, :, 0]
    elif name.endswith(TABLE):
        plane = wanted[: len(wanted) // (2 * backbone.window_size_t - 1)]
    fitted, change = _fit(name, value, plane, of_images=True)
    if plane is wanted:
        return fitted, change
    return backbone.inflate({name: fitted})[name], f"{change}, repeated over time" if change else "repeated over time"


def _reason_to_drop(name: str) -> str | None:
    if name == "mask_token":
        return "mask token (pre-training only)"
    if OUTPUT_NORM.fullmatch(name):
        return "norm of a stage that the backbone does not put out"
    return None


def _account(name: str, fault: str | None, new: Sequence[str], report: Report) -> None:
    """Put a tensor of the backbone that got no value into ``new`` or ``missing``."""
    if fault is not None:
        report.missing.append(Entry(name, fault))
    elif EARLIER_NORM.fullmatch(name):
        report.new.append(Entry(name, "output norm of a dense task"))
    elif name == "mask_token":
        report.new.append(Entry(name, "mask token (pre-training only)"))
    elif any(name == allowed or name.startswith(f"{allowed}.") for allowed in new):
        report.new.append(Entry(name, "named as new by the config"))
    else:
        report.missing.append(Entry(name, "not in the file"))
