"""Sizes of ResNets (https://arxiv.org/abs/1512.03385, table 1) and OpenMMLab's options that change their shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError, nearest

__all__ = ["ARCHITECTURES", "ResNetDesign", "resolve_design"]

EXPANSIONS = {"basic": 1, "bottleneck": 4}
STYLES = ("pytorch", "caffe")


@dataclass(frozen=True)
class ResNetDesign:
    """Everything that decides the shapes inside a ResNet; see :class:`ResNet` for the meaning of each word."""

    layers: tuple[int, ...]
    block: str
    base_channels: int
    stem_channels: int
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    contract_dilation: bool = False
    deep_stem: bool = False
    avg_down: bool = False
    style: str = "pytorch"

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels that leave each stage."""
        return tuple(self.base_channels * 2**i * EXPANSIONS[self.block] for i in range(len(self.layers)))

    @property
    def feature_strides(self) -> tuple[int, ...]:
        """Input pixels per cell of the map that leaves each stage; the stem makes 4."""
        products = [4]
        for stride in self.strides:
            products.append(products[-1] * stride)
        return tuple(products[1:])


def resolve_design(
    depth: int | None = None,
    arch: str | Mapping[str, Any] | None = None,
    *,
    num_stages: int | None = None,
    base_channels: int | None = None,
    stem_channels: int | None = None,
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    contract_dilation: bool = False,
    deep_stem: bool = False,
    avg_down: bool = False,
    style: str = "pytorch",
) -> ResNetDesign:
    """The shapes that the words of a config name; what does not fit is a :class:`ConfigError`."""
    words = _arch_words(depth, arch)
    layers, block = _numbers("arch.layers", words["layers"]), words.get("block", "bottleneck")
    if block not in EXPANSIONS:
        raise ConfigError(f"backbone.arch.block is {block!r}; {nearest(str(block), EXPANSIONS)}")
    count = len(layers) if num_stages is None else num_stages
    if count not in range(1, len(layers) + 1):
        raise ConfigError(f"backbone.num_stages is {num_stages}; this architecture has 1 to {len(layers)}.")
    base = words.get("base_channels", 64) if base_channels is None else base_channels
    (base,) = _numbers("base_channels", (base,))
    (stem,) = _numbers("stem_channels", (base if stem_channels is None else stem_channels,))
    if deep_stem and stem % 2:
        raise ConfigError(f"backbone.stem_channels is {stem}; a deep stem halves it inside. Choose an even number.")
    if style not in STYLES:
        raise ConfigError(f"backbone.style is {style!r}; {nearest(str(style), STYLES)}")
    return ResNetDesign(
        layers=layers[:count],
        block=block,
        base_channels=base,
        stem_channels=stem,
        strides=_per_stage("strides", strides, (1, *[2] * (count - 1))),
        dilations=_per_stage("dilations", dilations, (1,) * count),
        contract_dilation=contract_dilation,
        deep_stem=deep_stem,
        avg_down=avg_down,
        style=style,
    )


def _arch_words(depth: int | None, arch: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """``layers``, ``block`` and ``base_channels`` as the table or the config gives them."""
    if depth is not None and arch is not None:
        raise ConfigError(f"backbone.depth is {depth} and backbone.arch is {arch!r}; expected one of them.")
    if arch is None:
        name = f"resnet{50 if depth is None else depth}"
        if name not in ARCHITECTURES:
            depths = ", ".join(known.removeprefix("resnet") for known in ARCHITECTURES if known != "nano")
            raise ConfigError(f"backbone.depth is {depth!r}; expected one of {depths}, or give arch.")
        return ARCHITECTURES[name]
    if isinstance(arch, str):
        if arch not in ARCHITECTURES:
            raise ConfigError(f"backbone.arch is {arch!r}; {nearest(arch, ARCHITECTURES)}")
        return ARCHITECTURES[arch]
    known = ("layers", "block", "base_channels")
    for word in arch:
        if word not in known:
            raise ConfigError(f"backbone.arch has {word!r}; {nearest(word, known)}")
    if "layers" not in arch:
        raise ConfigError(
            "backbone.arch lacks 'layers', the number of blocks of each stage; for ResNet-50 (3, 4, 6, 3)."
        )
    return arch


def _per_stage(name: str, given: Sequence[int] | None, default: tuple[int, ...]) -> tuple[int, ...]:
    numbers = default if given is None else _numbers(name, given)
    if len(numbers) != len(default):
        raise ConfigError(
            f"backbone.{name} is {numbers}; expected one number for each of the {len(default)} stages, "
            f"for example {default}."
        )
    return numbers


def _numbers(name: str, given: Any) -> tuple[int, ...]:
    numbers = tuple(given) if isinstance(given, list | tuple) else ()
    if not numbers or not all(type(number) is int and number > 0 for number in numbers):
        raise ConfigError(f"backbone.{name} is {given!r}; expected whole numbers above 0.")
    return numbers


# nano is the demo's own: strides 4, 8, 16 like its Swin's.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "nano": {"layers": (1, 1, 2), "block": "basic", "base_channels": 32},
    "resnet18": {"layers": (2, 2, 2, 2), "block": "basic"},
    "resnet34": {"layers": (3, 4, 6, 3), "block": "basic"},
    "resnet50": {"layers": (3, 4, 6, 3)},
    "resnet101": {"layers": (3, 4, 23, 3)},
    "resnet152": {"layers": (3, 8, 36, 3)},
}
