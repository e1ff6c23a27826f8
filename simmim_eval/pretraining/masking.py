"""Which patches are hidden (SimMIM, arXiv 2111.09886, section 3.2)."""

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simmim_eval.errors import ConfigError, MaskError

__all__ = ["Permuter", "RandomMask"]


class Permuter(Protocol):
    """What a mask needs of a random generator: ``np.random.Generator`` and ``np.random.RandomState`` both have it."""

    def permutation(self, x: int, /) -> NDArray[Any]:
        """A random order of ``range(x)``."""


class RandomMask:
    """Hides the same number of square units in every image, at places drawn anew at each call.

    Of the ``(img_size / mask_patch_size) ** 2`` units exactly ``ceil(units * mask_ratio)`` are hidden.

    Args:
        img_size: Side of the square image, in pixels; a multiple of ``mask_patch_size``.
        mask_patch_size: Side of a unit, in pixels; a multiple of ``mask_stride``.
        mask_stride: Pixels per cell of the mask that the backbone takes (4 for Swin).
        mask_ratio: Share of units to hide, in [0, 1].

    Raises:
        MaskError: One of the sizes is not a multiple of the next.
        ConfigError: ``mask_ratio`` is outside [0, 1].

    Example:
        >>> RandomMask(48, mask_patch_size=8, mask_ratio=0.6)(np.random.default_rng(0)).shape
        (12, 12)
    """

    def __init__(self, img_size: int, mask_patch_size: int = 32, mask_stride: int = 4, mask_ratio: float = 0.6) -> None:
        if not 0 <= mask_ratio <= 1:
            raise ConfigError(f"mask_ratio is {mask_ratio}; expected a number from 0 to 1. Correct the config.")
        _divides(mask_patch_size, img_size, "mask_patch_size", "img_size")
        _divides(mask_stride, mask_patch_size, "mask_stride", "mask_patch_size")
        self.side = img_size // mask_patch_size
        self.repeat = mask_patch_size // mask_stride
        # Rounded up from the plain float product, as published: 0.07 of 100 units are 8.
        self.num_hidden = math.ceil(self.side**2 * mask_ratio)

    def __call__(self, rng: Permuter) -> NDArray[np.bool_]:
        """Draw one mask: bool ``(img_size / mask_stride, img_size / mask_stride)``, True = hidden."""
        units = np.zeros(self.side**2, dtype=bool)
        units[rng.permutation(self.side**2)[: self.num_hidden]] = True
        return units.reshape(self.side, self.side).repeat(self.repeat, axis=0).repeat(self.repeat, axis=1)


def _divides(part: int, whole: int, part_name: str, whole_name: str) -> None:
    if part < 1 or whole < part or whole % part:
        raise MaskError(
            f"{part_name} is {part}, which does not divide {whole_name} {whole}. "
            f"Choose a {whole_name} that is a multiple of {part_name}."
        )
