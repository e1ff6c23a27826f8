"""Video recognition with mmaction2."""

from simmim_eval.transfer.recognition.task import TASK

__all__ = ["TASK"]
