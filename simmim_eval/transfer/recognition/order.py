"""Does the recogniser read the order of frames?

One test set is played three times: as it is, with one frame repeated, and backwards. A model that looks at
single frames scores the same on all three; one that reads motion is at chance on a repeated frame and takes a
reversed clip for the opposite class.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from simmim_eval.files import write_atomic
from simmim_eval.registry import METRICS, TRANSFORMS
from simmim_eval.transfer.accuracy import accuracy_metrics, judge, predictions_csv
from simmim_eval.transfer.uncertainty import binomial_std_error

__all__ = ["OrderAccuracy", "PlayClip"]

PLAYS = ("forward", "still", "reversed")


@TRANSFORMS.register_module()
class PlayClip:
    """Choose the frames of one clip and mark the sample with the way it is played.

    Takes ``total_frames`` as a decoder's opening step leaves it, gives ``frame_inds`` (num_frames,).

    Args:
        play: ``"forward"``, ``"still"`` (the middle frame repeated) or ``"reversed"``.
    """

    def __init__(self, play: str) -> None:
        if play not in PLAYS:
            raise ValueError(f"PlayClip: play is {play!r}, expected one of {', '.join(PLAYS)}.")
        self.play = play

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``frame_inds`` and what mmaction's ``SampleFrames`` sets beside it."""
        num_frames = results["total_frames"]
        indices = np.arange(num_frames)
        if self.play == "still":
            indices[:] = num_frames // 2
        elif self.play == "reversed":
            indices = indices[::-1].copy()
        return results | {
            "frame_inds": indices,
            "clip_len": num_frames,
            "frame_interval": 1,
            "num_clips": 1,
            "play": self.play,
        }


@METRICS.register_module()
class OrderAccuracy(BaseMetric):
    """Accuracy of clips played forward, and what becomes of them still and reversed (%).

    Args:
        opposite: For each class the class that its reversed clips show.
        out_file: CSV of kept predictions of the forward clips.

    ``opposite_reversed`` is the share of reversed clips taken for the opposite class.
    """

    def __init__(self, opposite: Mapping[str, str], out_file: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.opposite = dict(opposite)
        self.out_file = out_file

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep how each clip was played and what it was taken for."""
        del data_batch
        self.results.extend((sample["play"], judge(sample)) for sample in data_samples)

    def compute_metrics(self, results: list[tuple[str, tuple[int, int, bool, int]]]) -> dict[str, Any]:
        """``top1``, ``top5`` of forward clips; ``top1_still``; ``opposite_reversed``."""
        by_play = {play: [judged for played, judged in results if played == play] for play in PLAYS}
        if self.out_file:
            write_atomic(self.out_file, predictions_csv(by_play["forward"]), overwrite=True)
        metrics = accuracy_metrics(by_play["forward"])
        classes = list(self.dataset_meta["classes"])
        turned = [classes.index(self.opposite[name]) for name in classes]
        shares = {
            "top1_still": np.mean([label == best for label, best, _, _ in by_play["still"]]),
            "opposite_reversed": np.mean([turned[label] == best for label, best, _, _ in by_play["reversed"]]),
        }
        for name, share in shares.items():
            metrics[name] = 100 * float(share)
            metrics[f"{name}_std_error"] = 100 * binomial_std_error(float(share), metrics["num_samples"])
            metrics[f"{name}_floor"] = 100 / len(classes)
        return metrics
