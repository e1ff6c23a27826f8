"""Video recognition with mmaction2."""

from simmim_eval.transfer.recognition.rand_augment import RandAugmentClip
from simmim_eval.transfer.recognition.task import TASK

__all__ = ["TASK", "RandAugmentClip"]
