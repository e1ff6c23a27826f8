"""Swin Transformer (https://arxiv.org/abs/2103.14030) as SimMIM pre-trains it (https://arxiv.org/abs/2111.09886)."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import torch
from timm.layers.patch_embed import PatchEmbed
from timm.models.swin_transformer import PatchMerging, WindowAttention
from torch import Tensor, nn

from ..errors import ConfigError, MaskError, nearest
from ..registry import MODELS
from .base import image_size
from .swin_trunk import SwinArch, SwinBlock, SwinTrunk

__all__ = ["ARCHITECTURES", "ImageSwin", "Swin", "read_arch", "resolve_arch"]

A = TypeVar("A", bound=SwinArch)


class ImageSwin(SwinTrunk):
    """What Swins for images share: the stem, the mask token, and the two rules of window and shift.

    A subclass's constructor ends with :meth:`build_layers` and :meth:`complete`.

    ``img_size`` chooses one of two rules, at construction:

    * ``img_size=S``, the official rule (pre-training, classification): where a stage's side is not larger than the
      window, the window is that side and nothing is shifted. Images of another size pass too, through the windows
      made for ``S``.
    * ``img_size=None``, OpenMMLab's rule (dense tasks): the window never shrinks, small maps are padded, odd blocks
      are always shifted.

    Args:
        arch: Sizes.
        img_size: Side, or (height, width), in pixels; or None.
        in_chans: Input channels.
        out_indices: Stages that give a map; None: all.
        use_mask_token: Make the mask token.
        plug: The arguments of :class:`Backbone`.
    """

    def __init__(
        self,
        arch: SwinArch,
        img_size: int | Sequence[int] | None,
        in_chans: int,
        out_indices: Sequence[int] | None,
        use_mask_token: bool,
        **plug: Any,
    ) -> None:
        super().__init__(arch, out_indices, **plug)
        self.img_size = image_size(img_size)
        dim, patch = arch.embed_dim, arch.patch_size
        self.patch_embed = PatchEmbed(None, patch, in_chans, dim, nn.LayerNorm, output_fmt="NHWC", dynamic_img_pad=True)
        if use_mask_token:
            self.mask_token = nn.Parameter(torch.zeros(1, 1, dim))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """(B, 3, H, W), mask (B, ceil(H / 4), ceil(W / 4)) bool -> maps (B, C_i, ceil(H / s_i), ceil(W / s_i))."""
        tokens = self.patch_embed(x)
        if mask is not None:
            self.check_mask(mask, x)
            if self.mask_token is None:
                raise MaskError("mask given, but this backbone has no mask token. Build it with use_mask_token=True.")
            tokens = torch.where(mask[..., None], self.mask_token[None].to(tokens.dtype), tokens)
        return tuple(out.permute(0, 3, 1, 2).contiguous() for out in self.stage_outputs(tokens))

    def _window(self, stage: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Window and shift under the rule that ``img_size`` chose."""
        side = self.arch.windows[stage]
        if self.img_size is None:
            return (side, side), (side // 2, side // 2)
        stride = self.arch.patch_size * 2**stage
        height, width = (-(-length // stride) for length in self.img_size)
        shift = (0 if height <= side else side // 2, 0 if width <= side else side // 2)
        return (min(height, side), min(width, side)), shift


@MODELS.register_module()
class Swin(ImageSwin):
    """Swin for images.

    With ``img_size`` equal to SimMIM's code, and to timm's wherever the window divides the map; without, to mmdet's
    ``SwinTransformer`` at every size (:class:`ImageSwin` has the two rules).

    .. code-block:: python

        backbone = dict(type="simmim_eval.Swin", arch="tiny", out_indices=(0, 1, 2, 3))

    Args:
        arch: "nano", "tiny", "small", "base", "large", or a dict in timm's words (see :class:`SwinArch`).
        img_size: Side, or (height, width), in pixels: the official rule; or None: OpenMMLab's.
        window_size: In cells, for all stages or one per stage; default: the architecture's.
        in_chans: Input channels.
        out_indices: Stages that give a map; default: all.
        use_mask_token: Make the mask token (pre-training only: an unused parameter stops distributed training).
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        frozen_stages: See :class:`Backbone`, as for the next three.
        norm_eval: No effect here: Swin has no batch norm.
        with_cp: Recompute blocks in the backward pass.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "tiny",
        img_size: int | Sequence[int] | None = None,
        window_size: int | Sequence[int] | None = None,
        in_chans: int = 3,
        out_indices: Sequence[int] | None = None,
        use_mask_token: bool = False,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        super().__init__(resolve_arch(arch, window_size), img_size, in_chans, out_indices, use_mask_token, **plug)
        self.build_layers(drop_path_rate)
        self.complete()

    def _block(self, stage: int, shifted: bool, drop_path: float) -> SwinBlock:
        dim = self.arch.dims[stage]
        window, shift = self._window(stage)
        attention = WindowAttention(dim, self.arch.num_heads[stage], window_size=window)
        return SwinBlock(dim, attention, window, shift if shifted else (0, 0), self.arch.mlp_ratio, drop_path)

    def _merging(self, dim: int) -> nn.Module:
        merging: nn.Module = PatchMerging(dim)
        return merging


def resolve_arch(arch: str | Mapping[str, Any], window_size: int | Sequence[int] | None = None) -> SwinArch:
    """:func:`read_arch` of a Swin: ``arch`` is a name of :data:`ARCHITECTURES`, or has the fields of SwinArch."""
    return read_arch(SwinArch, ARCHITECTURES, arch, window_size)


def read_arch(
    kind: type[A],
    architectures: Mapping[str, Mapping[str, Any]],
    arch: str | Mapping[str, Any],
    window_size: int | Sequence[int] | None,
) -> A:
    """The sizes that ``arch`` and ``window_size`` name; what does not fit is a :class:`ConfigError`.

    Args:
        kind: Class of the sizes.
        architectures: Its published sizes, by name.
        arch: One of those names, or a mapping with the fields of ``kind``.
        window_size: Overrides the architecture's.
    """
    if isinstance(arch, str):
        if arch not in architectures:
            raise ConfigError(f"backbone.arch is {arch!r}; {nearest(arch, architectures)}")
        words: dict[str, Any] = dict(architectures[arch])
    else:
        words = dict(arch)
    if window_size is not None:
        words["window_size"] = window_size
    known = [field.name for field in fields(kind)]
    needed = known[:3]
    for word in words:
        if word not in known:
            raise ConfigError(f"backbone.arch has {word!r}; {nearest(word, known)}")
    for word in needed:
        if word not in words:
            raise ConfigError(f"backbone.arch lacks {word!r}; a dict of sizes needs {', '.join(needed)}.")
    for word in ("depths", "num_heads", "window_size"):
        if isinstance(words.get(word), list):
            words[word] = tuple(words[word])
    sizes = kind(**words)
    _check(sizes)
    return sizes


def _check(arch: SwinArch) -> None:
    scalars, lists = (arch.embed_dim, arch.patch_size), [arch.depths, arch.num_heads]
    if not (isinstance(arch.depths, tuple) and isinstance(arch.num_heads, tuple)):
        raise ConfigError(f"backbone.arch: depths and num_heads need one number per stage each; got {arch}.")
    lists.append(arch.windows)
    numbers = [*scalars, *(number for numbers in lists for number in numbers)]
    if not all(isinstance(number, int) and number > 0 for number in numbers) or arch.mlp_ratio <= 0:
        raise ConfigError(f"backbone.arch: every size must be a whole number above 0 (mlp_ratio: above 0); got {arch}.")
    if not arch.depths or any(len(numbers) != len(arch.depths) for numbers in lists):
        raise ConfigError(f"backbone.arch: depths, num_heads and window_size need one number per stage; got {arch}.")
    for i, (dim, heads) in enumerate(zip(arch.dims, arch.num_heads, strict=True)):
        if dim % heads:
            raise ConfigError(
                f"backbone.arch: stage {i} has {dim} channels (embed_dim {arch.embed_dim}), which its {heads} "
                "num_heads do not divide. Change embed_dim or num_heads."
            )


# Paper, section 3.3; nano is the demo's own, with windows that are the same at every size that the demo uses.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "nano": {"embed_dim": 32, "depths": (1, 1, 2), "num_heads": (1, 2, 4), "window_size": (6, 6, 3)},
    "tiny": {"embed_dim": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24)},
    "small": {"embed_dim": 96, "depths": (2, 2, 18, 2), "num_heads": (3, 6, 12, 24)},
    "base": {"embed_dim": 128, "depths": (2, 2, 18, 2), "num_heads": (4, 8, 16, 32)},
    "large": {"embed_dim": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48)},
}
