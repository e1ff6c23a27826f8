"""A checkpoint of a whole model, put into a model so that not one tensor stays as it was drawn.

Either the file has exactly the model's tensors, or the backbone is ours, and then a foreign backbone is adapted by
``simmim_eval.weights`` and the rest must agree by name and shape; a classification head may have any usual name.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from simmim_eval.backbones import Backbone
from simmim_eval.engine.checkpoint import misfits
from simmim_eval.engine.plug import backbone_of
from simmim_eval.errors import CheckpointError
from simmim_eval.transfer.classification.classifier import ImageClassifier
from simmim_eval.weights import Checkpoint, Report, load

__all__ = ["load_whole"]

SHOWN = 3  # tensors that an error names
PARALLEL = "module."  # what DistributedDataParallel puts before every name
DERIVED = re.compile(r"(.*\.)?(relative_position_index|relative_coords_table|attn_mask)")
HARMLESS = ("counter of batches", "position term")  # reasons of a report for tensors that change nothing while new
HEADS = ("head.fc", "head.layers.head", "head", "fc", "classifier")
POOLED_NORMS = ("fc_norm", "backbone.fc_norm", "backbone.ln2")
PARAMETERS = ("weight", "bias")


def load_whole(model: nn.Module, checkpoint: Checkpoint) -> str:
    """Load every tensor of ``model`` from the file; returns one line that says how.

    Raises:
        CheckpointError: A tensor of the model would stay random, or one of the file has no place. The model's own
            tensors may have been changed then.
    """
    state = {name.removeprefix(PARALLEL): tensor for name, tensor in checkpoint.state.items()}
    wanted = {name: tensor for name, tensor in model.state_dict().items() if not DERIVED.fullmatch(name)}
    held = {name: tensor for name, tensor in state.items() if not DERIVED.fullmatch(name)}
    faults = misfits(wanted, held)
    if not faults:
        model.load_state_dict({**model.state_dict(), **held})
        return f"all {len(held)} tensors by name"
    backbone = backbone_of(model) if hasattr(model, "backbone") else None
    if not isinstance(backbone, Backbone):
        raise CheckpointError(
            f"{checkpoint.source}: does not hold this model ({len(faults)} tensors differ: {_some(faults)}). Give the "
            "config that the file was trained with: --config."
        )
    report = _load_backbone(backbone, checkpoint)
    own = {f"{_name_of(model, backbone)}.{name}" for name in backbone.state_dict()}
    rest = {name: tensor for name, tensor in wanted.items() if name not in own}
    if isinstance(model, ImageClassifier):
        values = _head(model, state, checkpoint.source)
    else:
        values = {name: tensor for name, tensor in held.items() if not name.startswith("backbone.")}
    faults = misfits(rest, values)
    if faults:
        raise CheckpointError(
            f"{checkpoint.source}: the backbone fits, the rest is another model's ({len(faults)} tensors differ: "
            f"{_some(faults)}). Nothing may stay random: give the config that the file was trained with."
        )
    model.load_state_dict({**model.state_dict(), **values})
    return f"backbone {report.summary()}; {len(values)} tensors of the head"


def _load_backbone(backbone: Backbone, checkpoint: Checkpoint) -> Report:
    report = load(backbone, checkpoint)
    random = [entry for entry in report.new if not entry.reason.startswith(HARMLESS)]
    if random:
        shown = _some(f"{entry.name} ({entry.reason})" for entry in random)
        raise CheckpointError(
            f"{checkpoint.source}: would leave {len(random)} tensors of the backbone as they were drawn: {shown}. Give "
            "a file of the whole fine-tuned model, or the config that it was trained with."
        )
    return report


def _name_of(model: nn.Module, part: nn.Module) -> str:
    return next(name for name, module in model.named_modules() if module is part)


def _head(model: ImageClassifier, state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """``head.*`` and ``fc_norm.*`` of our classifier, found in the file under any usual name."""
    found = [name for name in HEADS if f"{name}.weight" in state and state[f"{name}.weight"].dim() == 2]
    if len(found) != 1:
        kinds = ", ".join(found) or "none"
        raise CheckpointError(
            f"{source}: expected one linear head, by one of the names {', '.join(HEADS)}; found {kinds}. A pre-trained "
            "file has none: give a fine-tuned one."
        )
    classes = len(state[f"{found[0]}.weight"])
    if classes != model.head.out_features:
        raise CheckpointError(
            f"{source}: its head has {classes} classes, the recipe's {model.head.out_features}. Give a file that was "
            "fine-tuned on the recipe's classes."
        )
    values = _named(state, found[0], "head")
    norm = next((name for name in POOLED_NORMS if f"{name}.weight" in state), None)
    has_norm = isinstance(model.fc_norm, nn.LayerNorm)
    if has_norm and norm is None:
        raise CheckpointError(
            f"{source}: has no norm behind the pooling ({', '.join(POOLED_NORMS)}), so its head reads the class token "
            "or the mean of normed patches; the recipe's reads the norm of the mean. Without --config a timm:NAME is "
            "evaluated as timm's own model."
        )
    if norm is not None and not has_norm:
        raise CheckpointError(
            f"{source}: has a norm behind the pooling; the recipe's model has none. Set fc_norm=True."
        )
    if "cls_token" in model.backbone.state_dict() and not has_norm:
        raise CheckpointError(
            f"{source}: a ViT whose head reads the class token cannot be told from one whose head reads the mean. Give "
            "a recipe with fc_norm=True and a file with a norm behind the pooling, or timm:NAME without --config."
        )
    return values | (_named(state, norm, "fc_norm") if norm else {})


def _named(state: Mapping[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.{part}": state[f"{theirs}.{part}"] for part in PARAMETERS if f"{theirs}.{part}" in state}


def _some(texts: Iterable[Any]) -> str:
    listed = list(texts)
    return ", ".join(listed[:SHOWN]) + (", ..." if len(listed) > SHOWN else "")
