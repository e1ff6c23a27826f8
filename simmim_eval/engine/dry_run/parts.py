"""A forward pass through a whole model without data: what depends on data is given nominal numbers, or left out.

Told by what a model has, which are the sockets of OpenMMLab's base classes and our two models. Regions of a two-stage
detector are as many as its configuration lets through; the losses of detection, which are small, are left out.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from simmim_eval.engine.dry_run.input_size import InputSize
from simmim_eval.errors import ConfigError, UserError
from simmim_eval.pretraining.simmim import SimMIM
from simmim_eval.transfer.classification.classifier import ImageClassifier

__all__ = ["Notes", "forward"]

Notes = dict[str, None]
"""What a reader of the numbers must know, in order, each once."""

MASKED_SHARE = 0.25  # of the regions in training have an object, at most, where a sampler does not say


def forward(model: nn.Module, size: InputSize, batch: int, notes: Notes) -> list[Tensor]:
    """Outputs, or the loss, of every part that runs; training or evaluation, as ``model.training`` says.

    Args:
        model: On the meta device.
        size: Of a sample.
        batch: Samples.
        notes: Gains what was nominal and what was left out.

    Raises:
        UserError: The model refuses the input.
    """
    ran: set[nn.Module] = set()
    hooks = [one.register_forward_pre_hook(lambda module, _: ran.add(module)) for one in model.modules()]
    inputs = torch.empty(size.shape(batch), device="meta")
    try:
        outputs = _outputs(model, inputs, size, batch, notes)
    finally:
        for hook in hooks:
            hook.remove()
    for name, part in _children(model):
        count = sum(parameter.numel() for parameter in part.parameters())
        if count and not any(module in ran for module in part.modules()) and not _said(notes, name):
            notes[f"{name} ({count / 1e6:.1f} M parameters) is left out: what it does depends on data"] = None
    return outputs


def _outputs(model: Any, inputs: Tensor, size: InputSize, batch: int, notes: Notes) -> list[Tensor]:
    """Of the heads that run, else of what comes before them."""
    if isinstance(model, SimMIM | ImageClassifier):
        return _tensors(_tried("backbone", notes, partial(_own, model, inputs)))
    clips = size.frames is not None and hasattr(model, "cls_head")
    words = dict(stage="neck", data_samples=[]) if clips else {}
    features = _tried("backbone", notes, partial(model.extract_feat, inputs, **words))
    if features is None:
        return []
    if clips:
        outputs = _tried("cls_head", notes, partial(model.cls_head, features[0], **features[1]))
        return _tensors(features[0] if outputs is None else outputs)
    heads = _heads(model, features, inputs, batch, notes)
    outputs = [tensor for name, run in heads for tensor in _tensors(_tried(name, notes, run))]
    return outputs or _tensors(features)


def _own(model: Any, inputs: Tensor) -> Any:
    """Our two models, in training with their loss."""
    if isinstance(model, ImageClassifier):
        logits = model(inputs)
        return model.loss(logits, torch.empty_like(logits)) if model.training else logits
    sides = [ceil(side / model.mask_stride) for side in inputs.shape[-2:]]
    mask = torch.empty(len(inputs), *sides, dtype=torch.bool, device="meta")
    return model(inputs, mask, mode="loss" if model.training else "tensor")


def _heads(
    model: Any, features: Any, inputs: Tensor, batch: int, notes: Notes
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and run of each head of a detector or a segmenter."""
    for name in ("decode_head", "auxiliary_head") if model.training else ("decode_head",):
        if getattr(model, name, None) is not None:
            yield name, partial(_labelled, getattr(model, name), features, inputs, cascaded=name == "decode_head")
    for name in ("rpn_head", "bbox_head"):
        if getattr(model, name, None) is not None:
            yield name, partial(getattr(model, name), features)
    roi_head = getattr(model, "roi_head", None)
    if roi_head is not None:
        yield "roi_head.bbox_head", partial(_boxes, model, roi_head, batch, notes)
        if getattr(roi_head, "with_mask", False):
            yield "roi_head.mask_head", partial(_masks, model, roi_head, batch, notes)


def _labelled(heads: Any, features: Any, inputs: Tensor, cascaded: bool) -> list[Tensor]:
    """Class scores at the size of the image; in training the losses, whose tensors are large."""
    outputs: list[Tensor] = []
    before: tuple[Any, ...] = ()
    for head in _listed(heads):
        logits = head(features, *before)
        before = (logits,) if cascaded else ()
        for scores in _tensors(logits):
            large = functional.interpolate(scores, inputs.shape[-2:], mode="bilinear")
            labels = torch.empty(len(large), *large.shape[-2:], dtype=torch.long, device="meta")
            outputs.append(functional.cross_entropy(large, labels, reduction="none") if head.training else large)
    return outputs


def _boxes(model: Any, roi_head: Any, batch: int, notes: Notes) -> list[Any]:
    """The box heads, each on the regions that the proposals leave."""
    if model.training:
        stages = _listed(roi_head.train_cfg)
        counts = [stage["sampler"]["num"] for stage in stages]
    else:
        counts = [model.test_cfg["rpn"]["max_per_img"]] * len(_listed(roi_head.bbox_head))
    notes[f"box heads at {', '.join(map(str, dict.fromkeys(counts)))} regions an image{_when(model)}"] = None
    return [
        head(_regions(roi_head, extractor, batch * count))
        for head, extractor, count in zip(
            _listed(roi_head.bbox_head), _listed(roi_head.bbox_roi_extractor), counts, strict=True
        )
    ]


def _masks(model: Any, roi_head: Any, batch: int, notes: Notes) -> list[Any]:
    """The mask heads, on the regions with an object; in testing one mask for each reported box."""
    extractors = _listed(getattr(roi_head, "mask_roi_extractor", None)) or _listed(roi_head.bbox_roi_extractor)
    heads = _listed(roi_head.mask_head)
    if model.training:
        samplers = [stage["sampler"] for stage in _listed(roi_head.train_cfg)]
        counts = [int(one["num"] * one.get("pos_fraction", MASKED_SHARE)) for one in samplers]
    else:
        counts = [model.test_cfg["rcnn"]["max_per_img"]] * len(heads)
    notes[f"mask heads at {', '.join(map(str, dict.fromkeys(counts)))} regions an image{_when(model)}"] = None
    return [
        head(_regions(roi_head, extractor, batch * count))
        for head, extractor, count in zip(heads, extractors, counts, strict=True)
    ]


def _regions(roi_head: Any, extractor: Any, count: int) -> Tensor:
    """Features of regions as RoIAlign gives them."""
    side = extractor.roi_layers[0].output_size
    sides = (side, side) if isinstance(side, int) else tuple(side)
    regions = torch.empty(count, extractor.out_channels, *sides, device="meta", requires_grad=torch.is_grad_enabled())
    shared = getattr(roi_head, "shared_head", None)
    return regions if shared is None else shared(regions)


def _tried(name: str, notes: Notes, run: Callable[[], Any]) -> Any:
    """What a part returns; one that needs real values, or other arguments, is left out, said to be, and None."""
    try:
        return run()
    except UserError:
        raise
    except Exception as error:  # upstream code of any kind, at values that do not exist
        reason = str(error).strip().partition("\n")[0].partition(". ")[0][:80] or type(error).__name__
        if isinstance(error, RuntimeError) and not (isinstance(error, NotImplementedError) or "meta" in str(error)):
            raise ConfigError(
                f"model.{name}: its input does not fit ({reason}). Correct the sizes in model."
            ) from error
        notes[f"{name} is left out ({reason})"] = None
        return None


def _children(model: Any) -> Iterator[tuple[str, nn.Module]]:
    for name, child in model.named_children():
        if name == "roi_head":
            yield from ((f"{name}.{inner}", one) for inner, one in child.named_children())
        elif not name.startswith("auxiliary") or model.training:
            yield name, child


def _said(notes: Notes, name: str) -> bool:
    return any(note.startswith(f"{name} is left out") for note in notes)


def _when(model: nn.Module) -> str:
    return " in training" if model.training else " in testing"


def _listed(node: Any) -> list[Any]:
    if node is None:
        return []
    return list(node) if isinstance(node, list | tuple | nn.ModuleList) else [node]


def _tensors(node: Any) -> list[Tensor]:
    """All floating-point tensors in nested outputs."""
    if isinstance(node, Tensor):
        return [node] if node.is_floating_point() else []
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    return [tensor for value in values for tensor in _tensors(value)]
