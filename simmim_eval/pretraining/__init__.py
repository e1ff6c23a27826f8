"""SimMIM pre-training: mask, encoder, head, target and loss, each in its own file."""

from simmim_eval.pretraining.heads import LinearHead
from simmim_eval.pretraining.masking import RandomMask
from simmim_eval.pretraining.metric import HiddenPixelL1
from simmim_eval.pretraining.simmim import SimMIM
from simmim_eval.pretraining.transforms import PretrainEvalTransform, PretrainTransform

__all__ = ["HiddenPixelL1", "LinearHead", "PretrainEvalTransform", "PretrainTransform", "RandomMask", "SimMIM"]
