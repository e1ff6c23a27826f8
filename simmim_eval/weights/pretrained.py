"""Loading a checkpoint into a backbone, strictly, and the initialiser that configs name."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log
from torch import nn

from simmim_eval.backbones import Backbone
from simmim_eval.errors import CheckpointError
from simmim_eval.registry import WEIGHT_INITIALIZERS
from simmim_eval.weights.adapt import MISFIT, adapt_state_dict
from simmim_eval.weights.detect import detect_format
from simmim_eval.weights.format import Translation
from simmim_eval.weights.reading import read_checkpoint
from simmim_eval.weights.report import Entry, Report
from simmim_eval.weights.swin_sizes import swin_sizes

__all__ = ["Pretrained", "load"]

SHOWN = 3  # tensors that an error names


def load(backbone: nn.Module, source: str | os.PathLike[str], new: Sequence[str] = ()) -> Report:
    """Read, detect, adapt and load a checkpoint, all or nothing.

    Args:
        backbone: A backbone of this project.
        source: The checkpoint file.
        new: Modules or parameters of the backbone that the file need not have and that stay as they were drawn.

    Returns:
        What became of every tensor of the file and of the backbone.

    Raises:
        CheckpointError: the file cannot be read, has no known format, leaves a tensor of the backbone without a
            value, or has a tensor that fits nowhere. The backbone is unchanged then.
    """
    if not isinstance(backbone, Backbone):
        raise CheckpointError(
            f"{source}: cannot be loaded into a {type(backbone).__name__}; expected a backbone of simmim_eval. "
            "Put init_cfg=dict(type='simmim_eval.Pretrained', ...) into the backbone's config."
        )
    checkpoint = read_checkpoint(source)
    try:
        found = detect_format(checkpoint.state)
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint.path}: {error}") from error
    translation = found.to_ours(checkpoint.state)
    values, report = adapt_state_dict(translation, backbone, found.name, new)
    if report.missing or report.unexpected:
        raise CheckpointError(_explain(checkpoint.path, translation, backbone, report))
    unchanged = backbone.state_dict()
    backbone.load_state_dict({name: values.get(name, tensor) for name, tensor in unchanged.items()}, strict=True)
    return report


@WEIGHT_INITIALIZERS.register_module()
class Pretrained:
    """``init_cfg=dict(type='simmim_eval.Pretrained', checkpoint=...)`` of a backbone.

    Called on the backbone it runs :func:`load`, keeps the report as ``backbone.init_report`` and logs it in one line.

    Args:
        checkpoint: The checkpoint file.
        new: See :func:`load`.
    """

    def __init__(self, checkpoint: str | os.PathLike[str], new: Sequence[str] = ()) -> None:
        self.checkpoint = checkpoint
        self.new = (new,) if isinstance(new, str) else tuple(new)

    def __call__(self, module: nn.Module) -> None:
        """Load into ``module``."""
        report = load(module, self.checkpoint, self.new)
        object.__setattr__(module, "init_report", report)  # torch declares that a module holds tensors and modules
        print_log(f"{self.checkpoint}: {report.summary()}", logger="current", level=logging.INFO)


def _explain(path: Path, translation: Translation, backbone: Backbone, report: Report) -> str:
    held, wanted = swin_sizes(translation.state), swin_sizes(backbone.state_dict())
    homeless = [entry for entry in report.unexpected if not entry.reason.startswith(MISFIT)]
    parts = [
        f"{path}: does not fit the backbone. It holds a {held} in the format {report.format}; expected a {wanted}."
    ]
    if report.missing:
        parts.append(f"Tensors of the backbone without a value ({len(report.missing)}): {_list(report.missing)}.")
    if homeless:
        parts.append(f"Tensors of the file without a place ({len(homeless)}): {_list(homeless)}.")
    if held.arch != wanted.arch:
        parts.append(f"Build the backbone with arch={held.arch}, or give a file of arch={wanted.arch}.")
    elif not report.unexpected:
        parts.append("Give a file that has them, or name in init_cfg.new what may stay random.")
    else:
        parts.append("Build the backbone as the file's was, or give a file of this one.")
    return " ".join(parts)


def _list(entries: Sequence[Entry]) -> str:
    shown = "; ".join(f"{entry.name} ({entry.reason})" for entry in entries[:SHOWN])
    return shown + (f"; and {len(entries) - SHOWN} more" if len(entries) > SHOWN else "")
