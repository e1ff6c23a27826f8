"""How deep each parameter of a features-only model of timm lies, by timm's own groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from timm.models._manipulate import group_with_matcher
from torch import nn

__all__ = ["WRAPPERS", "TimmLayers", "read_layers"]

HEAD = "task_head"  # stands for what follows the model; no pattern of timm fits it
WRAPPERS = ("model", "body")  # under which timm's other feature extractors keep the whole model


@dataclass(frozen=True)
class TimmLayers:
    """Layers and stages of parameters, by their names in the features-only model.

    Attributes:
        timm_names: Name in timm's whole model, and so in its checkpoints, of each parameter and saved buffer.
        layers: Number of timm's group, from 0, and of the head's for what timm leaves ungrouped; empty if timm does not
            group the model.
        num_layers: The head's number + 1; 1 if timm does not group the model.
        stages: The same by timm's coarse groups: 0 the stem, then stages, where a model has no stages blocks.
        no_weight_decay: What the model exempts from weight decay.
    """

    timm_names: Mapping[str, str]
    layers: Mapping[str, int]
    num_layers: int
    stages: Mapping[str, int]
    no_weight_decay: frozenset[str]


def read_layers(features: nn.Module, whole: Any) -> TimmLayers:
    """Carry the groups of the ``whole`` model over to the ``features``-only one made of it."""
    timm_names = _timm_names(features, whole)
    names = {ours: timm_names[ours] for ours, _ in features.named_parameters()}
    exempt = set(whole.no_weight_decay()) if hasattr(whole, "no_weight_decay") else set()
    no_weight_decay = frozenset(ours for ours, theirs in names.items() if theirs in exempt)
    known = {name for name, _ in whole.named_parameters()}
    if not hasattr(whole, "group_matcher") or not known.issuperset(names.values()):
        return TimmLayers(timm_names, {}, 1, {}, no_weight_decay)
    fine = _groups(whole, whole.group_matcher())
    try:
        coarse = _groups(whole, whole.group_matcher(coarse=True))
    except AssertionError:  # so a model says that its groups are coarse already
        coarse = fine
    layers, head = _cut(fine, names)
    return TimmLayers(timm_names, layers, head + 1, _cut(coarse, names)[0], no_weight_decay)


def _cut(groups: Mapping[str, int], names: Mapping[str, str]) -> tuple[dict[str, int], int]:
    """Groups under our names, and the head's, which comes after the last that is left."""
    grouped = {ours: groups[theirs] for ours, theirs in names.items()}
    head = max((group for group in grouped.values() if group != groups[HEAD]), default=-1) + 1
    return {ours: min(group, head) for ours, group in grouped.items()}, head


def _groups(whole: nn.Module, matcher: Any) -> dict[str, int]:
    """Group of each parameter and of the head, from 0 without gaps."""
    names = [name for name, _ in whole.named_parameters()]
    groups: dict[str, int] = group_with_matcher(((name, name) for name in [*names, HEAD]), matcher, reverse=True)
    return groups


def _timm_names(features: nn.Module, whole: nn.Module) -> dict[str, str]:
    """Name in ``whole`` of all that ``features`` saves; timm may join two levels: ``stages_0`` is ``stages.0``."""
    parts = {name: name for name, _ in whole.named_children()}
    for name, child in whole.named_children():
        if isinstance(child, nn.Sequential):
            parts |= {f"{name}_{inner}": f"{name}.{inner}" for inner, _ in child.named_children()}
    names = {}
    for ours in features.state_dict():
        first, _, rest = ours.partition(".")
        wrapped = first in WRAPPERS and first not in parts
        names[ours] = rest if wrapped else f"{parts.get(first, first)}.{rest}" if rest else ours
    return names
