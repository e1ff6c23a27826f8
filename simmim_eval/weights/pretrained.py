"""Loading a checkpoint into a backbone, strictly, and the initialiser that configs name."""

import logging
import os
from collections.abc import Sequence

from mmengine.logging import print_log
from torch import nn

from simmim_eval.backbones import Backbone, TimmBackbone
from simmim_eval.errors import CheckpointError
from simmim_eval.registry import WEIGHT_INITIALIZERS
from simmim_eval.weights.adapt import MISFIT, adapt_state_dict
from simmim_eval.weights.detect import detect_format, guess_family
from simmim_eval.weights.format import Translation
from simmim_eval.weights.reading import Checkpoint, read_checkpoint
from simmim_eval.weights.report import Entry, Report
from simmim_eval.weights.sizes import read_sizes
from simmim_eval.weights.timm_model import TIMM_MODEL, timm_model_to_ours

__all__ = ["Pretrained", "load"]

SHOWN = 3  # tensors that an error names


def load(
    backbone: nn.Module,
    source: str | os.PathLike[str] | Checkpoint,
    new: Sequence[str] = (),
    key: str | None = None,
) -> Report:
    """Read, detect, adapt and load a checkpoint, all or nothing.

    Args:
        backbone: A backbone of this project.
        source: The checkpoint: what :func:`read_checkpoint` takes, or what it gave.
        new: Modules or parameters of the backbone that the file need not have and that stay as they were drawn.
        key: See :func:`read_checkpoint`; not for what it gave.

    Returns:
        What became of every tensor of the file and of the backbone.

    Raises:
        CheckpointError: the file cannot be read, has no known format, leaves a tensor of the backbone without a
            value, or has a tensor that fits nowhere. The backbone is unchanged then.
    """
    if not isinstance(backbone, Backbone):
        named = source.source if isinstance(source, Checkpoint) else source
        raise CheckpointError(
            f"{named}: cannot be loaded into a {type(backbone).__name__}; expected a backbone of simmim_eval. "
            "Put init_cfg=dict(type='simmim_eval.Pretrained', ...) into the backbone's config."
        )
    checkpoint = source if isinstance(source, Checkpoint) else read_checkpoint(source, key)
    try:
        name, translation = _translate(checkpoint, backbone)
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint.source}: {error}") from error
    values, report = adapt_state_dict(translation, backbone, name, new)
    if report.missing or report.unexpected:
        raise CheckpointError(_explain(checkpoint, translation, backbone, report))
    unchanged = backbone.state_dict()
    backbone.load_state_dict({name: values.get(name, tensor) for name, tensor in unchanged.items()}, strict=True)
    report.dropped += [Entry(name, "not a tensor") for name in checkpoint.not_tensors]
    report.notes += [checkpoint.choice] if checkpoint.choice else []
    report.revision, report.provenance = checkpoint.revision, checkpoint.provenance
    return report


@WEIGHT_INITIALIZERS.register_module()
class Pretrained:
    """``init_cfg=dict(type='simmim_eval.Pretrained', checkpoint=...)`` of a backbone.

    Called on the backbone it runs :func:`load`, keeps the report as ``backbone.init_report`` and logs it in one line.

    Args:
        checkpoint: A file, ``timm:NAME``, ``hf:REPO/FILE`` or an address; see :func:`read_checkpoint`.
        new: See :func:`load`.
        key: See :func:`read_checkpoint`.
    """

    def __init__(self, checkpoint: str | os.PathLike[str], new: Sequence[str] = (), key: str | None = None) -> None:
        self.checkpoint = checkpoint
        self.key = key
        self.new = (new,) if isinstance(new, str) else tuple(new)

    def __call__(self, module: nn.Module) -> None:
        """Load into ``module``."""
        report = load(module, self.checkpoint, self.new, self.key)
        object.__setattr__(module, "init_report", report)  # torch declares that a module holds tensors and modules
        level = logging.WARNING if report.notes else logging.INFO
        print_log(f"{self.checkpoint}: {report.summary()}", logger="current", level=level)


def _translate(checkpoint: Checkpoint, backbone: Backbone) -> tuple[str, Translation]:
    """Name of the format, and the file's tensors under the backbone's names."""
    if isinstance(backbone, TimmBackbone):
        return TIMM_MODEL, timm_model_to_ours(checkpoint.state, backbone)
    found = detect_format(checkpoint.state)
    translation, family = found.to_ours(checkpoint.state), guess_family(backbone.state_dict())
    if found.family != family:
        held = read_sizes(found.family, translation.state)
        raise CheckpointError(
            f"holds a {held} in the format {found.name}; the backbone is a {type(backbone).__name__}. Give a file of "
            f"a {family or type(backbone).__name__}, or build the backbone with type='simmim_eval.{found.family}', "
            f"arch={held.arch}."
        )
    return found.name, translation


def _explain(checkpoint: Checkpoint, translation: Translation, backbone: Backbone, report: Report) -> str:
    homeless = [entry for entry in report.unexpected if not entry.reason.startswith(MISFIT)]
    family = None if isinstance(backbone, TimmBackbone) else guess_family(backbone.state_dict())
    kinds, rebuild = "", None
    if family:
        held, wanted = (read_sizes(family, state) for state in (translation.state, backbone.state_dict()))
        kinds = f" It holds a {held} in the format {report.format}; expected a {wanted}."
        if any(wanted.words[word] != value for word, value in held.words.items() if word in wanted.words):
            rebuild = f"Build the backbone with arch={held.arch}, or give a file of arch={wanted.arch}."
    parts = [f"{checkpoint.source}: does not fit the backbone.{kinds}"]
    if report.missing:
        parts.append(f"Tensors of the backbone without a value ({len(report.missing)}): {_list(report.missing)}.")
    if homeless:
        parts.append(f"Tensors of the file without a place ({len(homeless)}): {_list(homeless)}.")
    if rebuild:
        parts.append(rebuild)
    elif not report.unexpected:
        parts.append("Give a file that has them, or name in init_cfg.new what may stay random.")
    else:
        parts.append("Build the backbone as the file's was, or give a file of this one.")
    return " ".join(parts)


def _list(entries: Sequence[Entry]) -> str:
    shown = "; ".join(f"{entry.name} ({entry.reason})" for entry in entries[:SHOWN])
    return shown + (f"; and {len(entries) - SHOWN} more" if len(entries) > SHOWN else "")
