"""timm's RandAugment over clips: one draw for all frames."""

import random
from typing import Any

import numpy as np
from PIL import Image
from timm.data.auto_augment import rand_augment_transform

from simmim_eval.errors import ConfigError
from simmim_eval.registry import TRANSFORMS

__all__ = ["RandAugmentClip"]

FILL = (124, 116, 104)  # ImageNet's mean
LARGEST_SHIFT = 0.45  # of the shorter side; timm's for images


@TRANSFORMS.register_module()
class RandAugmentClip:
    """Change all frames of a clip alike, as VideoMAE does (https://arxiv.org/abs/2203.12602); mmaction does not.

    Takes ``imgs``, a list of uint8 (H, W, 3), and gives the list changed. Draws come from python's and numpy's global
    generators. Several clips of a sample share the draw too.

    .. code-block:: python

        dict(type="simmim_eval.RandAugmentClip", policy="rand-m7-n4-mstd0.5-inc1")

    Args:
        policy: RandAugment in timm's notation: magnitude ``m``, operations ``n``, deviation ``mstd`` of the magnitude,
            ``inc1`` for operations that grow with it. Bicubic; what comes in from outside is ImageNet's mean.

    Raises:
        ConfigError: It is another policy.
    """

    def __init__(self, policy: str) -> None:
        if not policy.startswith("rand-m"):
            raise ConfigError(f"RandAugmentClip: policy is {policy!r}; expected one like 'rand-m7-n4-mstd0.5-inc1'.")
        self.policy = policy

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the frames."""
        frames = results["imgs"]
        shift = int(min(frames[0].shape[:2]) * LARGEST_SHIFT)
        options = {"translate_const": shift, "img_mean": FILL, "interpolation": Image.Resampling.BICUBIC}
        augment = rand_augment_transform(self.policy, options)
        state, numpy_state = random.getstate(), np.random.get_state()
        changed = []
        for frame in frames:
            random.setstate(state)
            np.random.set_state(numpy_state)
            changed.append(np.asarray(augment(Image.fromarray(frame))))
        return {**results, "imgs": changed}

    def __repr__(self) -> str:
        return f"RandAugmentClip(policy={self.policy!r})"
