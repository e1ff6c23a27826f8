"""Image classification over mmengine: no OpenMMLab package with a current release has it."""

from simmim_eval.transfer.classification.task import TASK

__all__ = ["TASK"]
