"""Sizes of a Vision Transformer: what ``arch`` and ``img_size`` may say, and the published ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..errors import ConfigError, nearest

__all__ = ["ARCHITECTURES", "ViTArch", "cell_grid", "resolve_vit_arch"]


@dataclass(frozen=True)
class ViTArch:
    """Sizes of a ViT in timm's words."""

    embed_dim: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4.0


def resolve_vit_arch(arch: str | Mapping[str, Any]) -> ViTArch:
    """The sizes that ``arch`` names; what does not fit is a :class:`ConfigError`.

    Args:
        arch: A name of :data:`ARCHITECTURES`, or a mapping with the fields of :class:`ViTArch`.
    """
    if isinstance(arch, str):
        if arch not in ARCHITECTURES:
            raise ConfigError(f"backbone.arch is {arch!r}; {nearest(arch, ARCHITECTURES)}")
        return ARCHITECTURES[arch]
    known = [field.name for field in fields(ViTArch)]
    for word in arch:
        if word not in known:
            raise ConfigError(f"backbone.arch has {word!r}; {nearest(word, known)}")
    for word in known[:3]:
        if word not in arch:
            raise ConfigError(f"backbone.arch lacks {word!r}; a dict of sizes needs {', '.join(known[:3])}.")
    sizes = ViTArch(**arch)
    numbers = (sizes.embed_dim, sizes.depth, sizes.num_heads)
    if not all(isinstance(number, int) and number > 0 for number in numbers) or sizes.mlp_ratio <= 0:
        raise ConfigError(
            f"backbone.arch: every size must be a whole number above 0 (mlp_ratio: above 0); got {sizes}."
        )
    if sizes.embed_dim % sizes.num_heads:
        raise ConfigError(
            f"backbone.arch: {sizes.num_heads} num_heads do not divide embed_dim {sizes.embed_dim}. Change one of them."
        )
    return sizes


def cell_grid(img_size: int | Sequence[int], patch_size: int) -> tuple[int, int]:
    """Rows and columns of patches in an image of ``img_size`` (side, or height and width) pixels."""
    if patch_size < 1:
        raise ConfigError(f"backbone.patch_size is {patch_size}; expected at least 1 pixel.")
    pair = (img_size, img_size) if isinstance(img_size, int) else tuple(img_size)
    if len(pair) != 2 or min(pair) < 1:
        raise ConfigError(f"backbone.img_size is {img_size}; expected a side, or (height, width), in pixels.")
    return -(-pair[0] // patch_size), -(-pair[1] // patch_size)


# DeiT (https://arxiv.org/abs/2012.12877), table 1, and ViT (https://arxiv.org/abs/2010.11929), table 1; nano is the
# demo's own.
ARCHITECTURES = {
    "nano": ViTArch(96, 6, 3),
    "tiny": ViTArch(192, 12, 3),
    "small": ViTArch(384, 12, 6),
    "base": ViTArch(768, 12, 12),
    "large": ViTArch(1024, 24, 16),
    "huge": ViTArch(1280, 32, 16),
}
