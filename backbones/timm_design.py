"""What a backbone needs to know of a model of timm, asked of a twin on the meta device: no memory, no download.

timm's models keep no common promise about sizes, so each is tried: its maps are followed at sizes that its strides
divide, at odd ones, and at its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

import timm
import torch
from torch import Tensor, nn

from ..errors import ConfigError, nearest
from .base import check_out_indices
from .timm_layers import TimmLayers, read_layers

__all__ = ["TimmDesign", "build", "describe", "to_channels_first"]

Size = tuple[int, int]
MULTIPLES = (1, 2, 4, 8)  # of the largest stride; more than 1 where blocks of cells must fill the last map


@dataclass(frozen=True)
class TimmDesign:
    """A model of timm as a backbone.

    Attributes:
        model_name: In timm.
        options: What else timm builds it from.
        channels: Of each map.
        feature_strides: Of each map.
        divisor: Images are padded to its multiples; 1: what passes, passes as it is.
        fixed_size: The only (height, width) that passes, if there is one.
        takes_drop_path: Whether it has drop path.
        layers: Depths of its parameters.
        idle: Parameters on which no map depends.
    """

    model_name: str
    options: dict[str, Any]
    channels: tuple[int, ...]
    feature_strides: tuple[int, ...]
    divisor: int
    fixed_size: Size | None
    takes_drop_path: bool
    layers: TimmLayers
    idle: frozenset[str]


def build(model_name: str, options: dict[str, Any]) -> nn.Module:
    """The features-only model with random weights; what timm refuses is a :class:`ConfigError`."""
    return _create(model_name, {"features_only": True, **options})


def to_channels_first(maps: list[Tensor], model: nn.Module) -> list[Tensor]:
    """Maps (B, C, H, W) of what a features-only ``model`` gave."""
    last = getattr(model, "output_fmt", None) == "NHWC"
    return [each.permute(0, 3, 1, 2) for each in maps] if last else maps


@lru_cache(maxsize=256)
def describe(model_name: str, out_indices: tuple[int, ...] | None, img_size: Size | None) -> TimmDesign:
    """Find out how ``model_name`` can be a backbone.

    Args:
        model_name: With or without timm's tag of weights.
        out_indices: In timm's numbers; None for timm's own choice.
        img_size: The (height, width) to build for; None for any.

    Raises:
        ConfigError: timm has no such model or map, the model needs an ``img_size``, or its maps are not those of the
            contract.
    """
    _check_name(model_name)
    # Whatever goes on around: a seed must give the same weights whether or not the answer was kept, and gradients tell.
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad(), torch.device("meta"):
        whole = _create(model_name, {})
        words = _words(whole)
        options = _size_options(words, img_size)
        default: Any = build(model_name, options)
        options["out_indices"] = _out_indices(default, out_indices)
        twin: Any = default if out_indices is None else build(model_name, options)
        twin.eval()
        divisor, fixed_size = _accepted_sizes(model_name, twin, "img_size" in words, img_size)
        largest = max(twin.feature_info.reduction())
        return TimmDesign(
            model_name=model_name,
            options=options,
            channels=tuple(twin.feature_info.channels()),
            feature_strides=tuple(twin.feature_info.reduction()),
            divisor=divisor,
            fixed_size=fixed_size,
            takes_drop_path="drop_path_rate" in words,
            layers=read_layers(twin, whole),
            idle=_idle(twin, fixed_size or (3 * max(divisor, largest),) * 2),
        )


def _check_name(model_name: str) -> None:
    plain, _, tag = model_name.partition(".")
    if not timm.is_model(plain):
        raise ConfigError(f"backbone.model_name is {model_name!r}; {nearest(model_name, timm.list_models())}")
    tagged = timm.list_models(f"{plain}.*", include_tags=True)
    if tag and model_name not in tagged:
        raise ConfigError(f"backbone.model_name is {model_name!r}; {nearest(model_name, [plain, *tagged])}")


def _create(model_name: str, options: dict[str, Any]) -> Any:
    try:
        return timm.create_model(model_name, pretrained=False, **options)
    except Exception as error:  # of many kinds, assertions among them
        given = ", ".join(f"{key}={value!r}" for key, value in options.items() if key != "features_only")
        raise ConfigError(
            f"backbone.model_name is {model_name!r}, which timm cannot build as a backbone with {given or 'nothing'} "
            f"given: {type(error).__name__}: {error}. Change the option, or take another model."
        ) from error


def _words(model: nn.Module) -> set[str]:
    """The options that the model's class takes, through ``**kwargs`` those of its bases too."""
    words: set[str] = set()
    for kind in type(model).__mro__:
        if "__init__" in vars(kind):
            parameters = signature(vars(kind)["__init__"]).parameters
            words |= parameters.keys()
            if all(parameter.kind is not Parameter.VAR_KEYWORD for parameter in parameters.values()):
                break
    return words


def _size_options(words: set[str], img_size: Size | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if "dynamic_img_size" in words:
        options["dynamic_img_size"] = True
    elif "strict_img_size" in words:
        options["strict_img_size"] = False
    if img_size is not None and "img_size" in words:
        options["img_size"] = img_size
    return options


def _out_indices(default: Any, out_indices: tuple[int, ...] | None) -> tuple[int, ...]:
    count = len(default.feature_info.info)
    if out_indices is None:
        return tuple(index % count for index in default.feature_info.out_indices)
    return check_out_indices(out_indices, count)


def _accepted_sizes(model_name: str, twin: Any, takes_img_size: bool, img_size: Size | None) -> tuple[int, Size | None]:
    """The divisor and the only size, if there is one."""
    largest = max(info["reduction"] for info in twin.feature_info.info)
    own = tuple(twin.pretrained_cfg["input_size"][-2:])
    side = (img_size or own)[0]
    steps = [largest * multiple for multiple in MULTIPLES] + ([side] if side % largest == 0 else [])
    step = next((step for step in steps if _fault(twin, (3 * step, 4 * step)) is None), None)
    if step is not None:
        if img_size is not None and not takes_img_size:
            raise ConfigError(f"backbone.img_size is {img_size}, but {model_name} takes any size. Remove img_size.")
        whole = step == largest and _fault(twin, (2 * step + 1, 3 * step + 1)) is None
        return (1 if whole else step), None
    if fault := _fault(twin, img_size or own):
        raise ConfigError(
            f"backbone.model_name is {model_name!r}, which cannot be a backbone: at {_by(img_size or own)} pixels "
            f"{fault}. Take another model."
        )
    if img_size is None or (img_size != own and not takes_img_size):
        raise ConfigError(
            f"backbone.img_size is {img_size}; {model_name} takes images of one size only, "
            f"{'to be chosen; its own is' if takes_img_size else 'always'} {_by(own)} pixels. "
            f"Set img_size={own[0] if own[0] == own[1] else own}, or take a model of any size."
        )
    return 1, img_size


def _fault(twin: Any, size: Size) -> str | None:
    """What is wrong with the maps of an image of this size; None if they are the contract's."""
    try:
        with torch.no_grad():
            maps = _maps(twin, size)
    except Exception as error:  # what a model says of a size it does not take is of every kind
        return f"it stops with {type(error).__name__}: {error}".rstrip(": ")
    strides = twin.feature_info.reduction()
    expected = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in strides]
    found = [(each.shape[2], each.shape[3]) for each in maps]
    if found == expected:
        return None
    return f"its maps have {', '.join(map(_by, found))} cells, where its strides {tuple(strides)} promise others"


def _idle(twin: Any, size: Size) -> frozenset[str]:
    """Parameters that get no gradient from any map; distributed training stops at them."""
    twin.train()  # in eval mode some models keep what they computed from parameters
    total: Tensor = sum((each.sum() for each in _maps(twin, size)), torch.zeros(()))
    total.backward()
    return frozenset(name for name, parameter in twin.named_parameters() if parameter.grad is None)


def _maps(twin: Any, size: Size) -> list[Tensor]:
    return to_channels_first(twin(torch.zeros(2, 3, *size)), twin)


def _by(size: tuple[int, ...]) -> str:
    return f"{size[0]}x{size[1]}"
