"""The sizes of a backbone, read off its tensors, so that an error can say what a file holds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from simmim_eval.backbones.resnet_design import ARCHITECTURES as RESNETS
from simmim_eval.backbones.swin import ARCHITECTURES as SWINS
from simmim_eval.backbones.swin_v2 import ARCHITECTURES as SWINS_V2
from simmim_eval.backbones.vit_arch import ARCHITECTURES as VITS

__all__ = ["Sizes", "read_sizes"]

KNOWN: dict[str, dict[str, Any]] = {
    "Swin": SWINS,
    "SwinV2": SWINS_V2,
    "ViT": {name: vars(arch) for name, arch in VITS.items()},
    "ResNet": {name: {"block": "bottleneck", "base_channels": 64, **words} for name, words in RESNETS.items()},
}
SWIN_HEADS = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.attn\.(?:relative_position_bias_table|logit_scale)")
VIT_BLOCK = re.compile(r"blocks\.(\d+)\.norm1\.weight")
RESNET_BLOCK = re.compile(r"layer(\d+)\.(\d+)\.conv1\.weight")


@dataclass(frozen=True)
class Sizes:
    """Sizes in the backbone's words.

    Attributes:
        family: ``Swin``, ``SwinV2``, ``ViT`` or ``ResNet``.
        words: What ``arch`` says.
        options: What other arguments say.
        of_clips: Whether the patches, or the first convolution, are of clips.
    """

    family: str
    words: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    of_clips: bool = False

    @property
    def arch(self) -> str:
        """The value of ``arch`` that builds it: a published name, else a dict."""
        for name, known in KNOWN[self.family].items():
            if self.words == {word: known[word] for word in self.words}:
                return repr(name)
        return f"dict({', '.join(f'{word}={value}' for word, value in self.words.items())})"

    def __str__(self) -> str:
        """Such as ``Swin of arch='tiny', windows (7, 7, 7, 7)``."""
        kind = {"ResNet": "ResNetSlowOnly"}.get(self.family, f"{self.family}Video") if self.of_clips else self.family
        more = "".join(f", {word} {value}" for word, value in self.options.items() if value)
        return f"{kind} of arch={self.arch}{more}"


def read_sizes(family: str, state: Mapping[str, Tensor]) -> Sizes:
    """Sizes of the backbone of ``family`` whose tensors, under this project's names, are ``state``."""
    return {"Swin": _swin, "SwinV2": _swin, "ViT": _vit, "ResNet": _resnet}[family](family, state)


def _swin(family: str, state: Mapping[str, Tensor]) -> Sizes:
    blocks: dict[int, dict[int, Tensor]] = {}
    for name, tensor in state.items():
        if match := SWIN_HEADS.fullmatch(name):
            blocks.setdefault(int(match[1]), {})[int(match[2])] = tensor
    stages = [blocks[stage] for stage in sorted(blocks)]
    first = [next(iter(stage.values())) for stage in stages]
    patch = state["patch_embed.proj.weight"]
    is_table = family == "Swin"
    words = {
        "embed_dim": patch.shape[0],
        "depths": tuple(map(len, stages)),
        "num_heads": tuple(tensor.shape[1 if is_table else 0] for tensor in first),
    }
    windows = tuple((math.isqrt(len(table)) + 1) // 2 for table in first) if is_table and patch.dim() == 4 else ()
    return Sizes(family, words, {"windows": windows}, patch.dim() == 5)


def _vit(family: str, state: Mapping[str, Tensor]) -> Sizes:
    patch = state["patch_embed.proj.weight"]
    words = {"embed_dim": patch.shape[0], "depth": sum(bool(VIT_BLOCK.fullmatch(name)) for name in state)}
    tables = [tensor for name, tensor in state.items() if name.endswith("relative_position_bias_table")]
    if tables:
        words["num_heads"] = tables[0].shape[1]
    marks = {
        "rel_pos='shared'": "rel_pos_bias.relative_position_bias_table",
        "rel_pos='per_block'": "blocks.0.attn.relative_position_bias_table",
        "rel_pos='decomposed'": "blocks.0.attn.rel_pos_h",
        "abs_pos=True": "pos_embed",
        "init_values": "blocks.0.gamma_1",
        "a class token": "cls_token",
    }
    options = [option for option, name in marks.items() if name in state]
    return Sizes(family, words, {f"patch_size {patch.shape[-1]}, with": ", ".join(options)}, patch.dim() == 5)


def _resnet(family: str, state: Mapping[str, Tensor]) -> Sizes:
    layers: dict[int, int] = {}
    for name in state:
        if match := RESNET_BLOCK.fullmatch(name):
            layers[int(match[1])] = layers.get(int(match[1]), 0) + 1
    first = state["layer1.0.conv1.weight"]
    words = {
        "layers": tuple(layers[stage] for stage in sorted(layers)),
        "block": "bottleneck" if "layer1.0.conv3.weight" in state else "basic",
        "base_channels": first.shape[0],
    }
    options = {"stem_channels": state["bn1.weight"].shape[0] if "bn1.weight" in state else 0}
    deep = "conv1.0.weight" in state
    return Sizes(family, words, {**options, "with": "deep_stem" if deep else ""}, first.dim() == 5)
