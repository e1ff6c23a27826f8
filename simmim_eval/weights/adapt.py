"""A translated state dict to the values that one backbone takes, with a reason for each tensor."""

import re
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

from simmim_eval.backbones import Backbone
from simmim_eval.errors import CheckpointError
from simmim_eval.weights.fitting import TABLE, fit, inflate
from simmim_eval.weights.format import Translation
from simmim_eval.weights.position_scale import position_scale_note
from simmim_eval.weights.report import Entry, Report

__all__ = ["MISFIT", "adapt_state_dict"]

MISFIT = "does not fit"
SHARED_TABLE = f"rel_pos_bias.{TABLE}"
OUTPUT_NORM = re.compile(r"norm\d*\.(weight|bias)")
EARLIER_NORM = re.compile(r"norm\d+\.(weight|bias)")
FINAL_NORM = re.compile(r"norm\.(weight|bias)")
BATCH_COUNTER = re.compile(r".*\.num_batches_tracked")
RESNET_STAGE = re.compile(r"(layer\d+)\.\d+\.(conv|bn|downsample).*")
# What a ViT has or has not by an argument: the argument, and whether it adds nothing while it is 0.
OPTIONS: tuple[tuple[re.Pattern[str], str, bool], ...] = (
    (re.compile(re.escape(SHARED_TABLE)), "rel_pos='shared'", True),
    (re.compile(rf"blocks\.\d+\.attn\.{TABLE}"), "rel_pos='per_block'", True),
    (re.compile(r"blocks\.\d+\.attn\.rel_pos_[hw]"), "rel_pos='decomposed'", True),
    (re.compile(r"pos_embed"), "abs_pos=True", False),
    (re.compile(r"time_embed"), "abs_pos=True", True),
    (re.compile(r"cls_token"), "class_token=True", False),
    (re.compile(r"blocks\.\d+\.gamma_\d"), "init_values", False),
)


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
    report = Report(format_name, dropped=list(translation.dropped), unexpected=list(translation.unexpected))
    values: dict[str, Tensor] = {}
    unfit: dict[str, str] = {}
    for name, value, source, change in _spread(translation, target):
        if name not in target:
            reason = _reason_to_drop(name, target)
            kept_out = report.dropped if reason else report.unexpected
            kept_out.append(Entry(source, reason or _no_place(name)))
            continue
        try:
            if translation.of_clips:
                values[name], fitted = fit(name, value, target[name].shape, backbone)
            else:
                values[name], fitted = inflate(name, value, target[name], backbone)
        except CheckpointError as error:
            unfit[name] = str(error)
            report.unexpected.append(Entry(source, f"{MISFIT} {name}"))
            continue
        reason = ", ".join(filter(None, (change, fitted)))
        (report.adapted if reason else report.matched).append(Entry(name, reason or source))
    for name, present in target.items():
        if name not in values:
            _account(name, present, unfit.get(name), translation.state, new, report)
    if note := position_scale_note(translation.derived, backbone):
        report.notes.append(note)
    return values, report


def _spread(translation: Translation, target: Mapping[str, Tensor]) -> Iterable[tuple[str, Tensor, str, str]]:
    """Name in the backbone, value, name in the file, change; a shared table once for each block that wants its own."""
    own_tables = [name for name in target if name.endswith(f".attn.{TABLE}")]
    for name, value in translation.state.items():
        source, change = translation.sources[name], translation.changes.get(name, "")
        if name == SHARED_TABLE and name not in target and own_tables:
            for table in own_tables:
                yield table, value, source, "copied from the shared table"
        else:
            yield name, value, source, change


def _reason_to_drop(name: str, target: Mapping[str, Tensor]) -> str | None:
    if name == "mask_token":
        return "mask token (pre-training only)"
    if name == "cls_token":
        return "class token (the backbone has none)"
    if OUTPUT_NORM.fullmatch(name):
        if "blocks.0.norm1.weight" in target:
            return "final norm (the backbone has none)"
        return "norm of a stage that the backbone does not put out"
    if (stage := RESNET_STAGE.fullmatch(name)) and not any(known.startswith(f"{stage[1]}.") for known in target):
        return "a stage that the backbone leaves out"
    return None


def _no_place(name: str) -> str:
    for pattern, option, _ in OPTIONS:
        if pattern.fullmatch(name):
            return f"the backbone has no such tensor; build it with {option}"
    return "the backbone has no such tensor"


def _account(
    name: str, present: Tensor, fault: str | None, held: Mapping[str, Tensor], new: Sequence[str], report: Report
) -> None:
    """Put a tensor of the backbone that got no value into ``new`` or ``missing``."""
    option = next(((option, idle) for pattern, option, idle in OPTIONS if pattern.fullmatch(name)), None)
    if fault is not None:
        report.missing.append(Entry(name, fault))
    elif EARLIER_NORM.fullmatch(name):
        report.new.append(Entry(name, "output norm of a dense task"))
    elif name == "mask_token":
        report.new.append(Entry(name, "mask token (pre-training only)"))
    elif any(name == allowed or name.startswith(f"{allowed}.") for allowed in new):
        report.new.append(Entry(name, "named as new by the config"))
    elif FINAL_NORM.fullmatch(name) and "blocks.0.norm1.weight" in held:
        report.new.append(Entry(name, "final norm (the file's model has none)"))
    elif BATCH_COUNTER.fullmatch(name):
        report.new.append(Entry(name, "counter of batches (old files have none)"))
    elif option and option[1] and not present.any() and not _has_relative(held):
        report.new.append(Entry(name, "position term that the file's model has not, 0 at the start"))
    elif option:
        report.missing.append(Entry(name, f"not in the file; build the backbone without {option[0]}"))
    else:
        report.missing.append(Entry(name, "not in the file"))


def _has_relative(held: Mapping[str, Tensor]) -> bool:
    return any(name.endswith(TABLE) for name in held)
