"""Files for any model of timm: its own, and this project's of a ``TimmBackbone``.

timm's features-only models join two levels of a name (``stages_0.blocks`` for ``stages.0.blocks``), or put the whole
model one level deeper; names are compared without these differences.
"""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor

from simmim_eval.backbones import TimmBackbone
from simmim_eval.backbones.timm_layers import WRAPPERS
from simmim_eval.errors import CheckpointError
from simmim_eval.weights.format import DERIVED, Translation
from simmim_eval.weights.report import Entry

__all__ = ["TIMM_MODEL", "timm_model_to_ours"]

TIMM_MODEL = "timm model"


def timm_model_to_ours(state: Mapping[str, Tensor], backbone: TimmBackbone) -> Translation:
    """Translate a file of ``backbone.model_name``; every tensor ends in one list of the result.

    Raises:
        CheckpointError: No tensor of the backbone is in the file.
    """
    ours = {_plain(name): name for name in backbone.state_dict()}
    prefix = _prefix(state, ours, backbone.model_name)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        whole: Any = timm.create_model(backbone.model_name, pretrained=False)
    behind = {_plain(name) for name in whole.state_dict()}
    classifier = whole.pretrained_cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    result = Translation()
    for key, value in state.items():
        own = key.removeprefix(prefix)
        name = ours.get(_plain(own)) if key.startswith(prefix) else None
        if name is not None:
            result.state[name], result.sources[name] = value, key
        elif not key.startswith(prefix):
            result.dropped.append(Entry(key, "other parts of the model"))
        elif own.rpartition(".")[0] in heads:
            result.dropped.append(Entry(key, "classification head"))
        elif _plain(own) in behind:
            result.dropped.append(Entry(key, "a part of the model behind the maps"))
        elif own == "mask_token":
            result.dropped.append(Entry(key, "mask token (pre-training only)"))
        elif DERIVED.search(own):
            result.dropped.append(Entry(key, "recomputed buffer"))
        else:
            result.unexpected.append(Entry(key, f"a tensor that timm's {backbone.model_name} does not have"))
    return result


def _plain(name: str) -> str:
    """A name without the differences between timm's models and what timm makes of them."""
    first, _, rest = name.partition(".")
    return (rest if first in WRAPPERS and rest else name).replace(".", "_")


def _prefix(state: Mapping[str, Tensor], ours: Mapping[str, str], model_name: str) -> str:
    """What stands before the backbone's names in the file: what makes most of them known."""
    known = {prefix: 0 for prefix in ("", "module.", "backbone.", "module.backbone.")}
    for prefix in known:
        known[prefix] = sum(name.startswith(prefix) and _plain(name.removeprefix(prefix)) in ours for name in state)
    best = max(known, key=lambda prefix: known[prefix])
    if not known[best]:
        first = ", ".join(sorted(state)[:5])
        raise CheckpointError(
            f"has no tensor of timm's {model_name}; its first tensors: {first}. Give a file of that model, such as "
            f"timm:{model_name}."
        )
    return best
