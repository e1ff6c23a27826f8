"""Checkpoints: find, read safely, tell the format by content, adapt to a backbone, load strictly, report."""

from simmim_eval.weights.hashing import weights_hash
from simmim_eval.weights.pretrained import Pretrained, load
from simmim_eval.weights.reading import Checkpoint, read_checkpoint
from simmim_eval.weights.report import Report
from simmim_eval.weights.sources import Resolved, resolve

__all__ = ["Checkpoint", "Pretrained", "Report", "Resolved", "load", "read_checkpoint", "resolve", "weights_hash"]
