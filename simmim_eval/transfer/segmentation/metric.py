"""Mean intersection over union, with a bootstrap over images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmseg.evaluation import IoUMetric

from simmim_eval.files import atomic_path
from simmim_eval.transfer.uncertainty import BOOTSTRAP_METHOD, bootstrap_std_error

__all__ = ["MeanIoU"]


class MeanIoU(IoUMetric):
    """mIoU and pixel accuracy (%) over all pixels of all images, classes that never occur left out.

    The floor is the mIoU of the best constant answer: one class everywhere.

    .. code-block:: python

        test_evaluator = dict(type="simmim_eval.MeanIoU")

    Args:
        out_file: ``.npz`` of kept predictions, one uint8 label map (H, W) an image, named after the image.
    """

    def __init__(self, out_file: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.out_file = out_file

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep areas per class and the predicted map of each image."""
        del data_batch
        num_classes = len(self.dataset_meta["classes"])
        for sample in data_samples:
            predicted = sample["pred_sem_seg"]["data"].squeeze(0)
            label = sample["gt_sem_seg"]["data"].squeeze(0).to(predicted)
            areas = self.intersect_and_union(predicted, label, num_classes, self.ignore_index)
            name = Path(sample["img_path"]).stem
            self.results.append(
                (np.stack([area.cpu().numpy() for area in areas]), name, predicted.byte().cpu().numpy())
            )

    def compute_metrics(self, results: list[tuple[np.ndarray, str, np.ndarray]]) -> dict[str, Any]:
        """``miou`` with standard error and floor, ``pixel_accuracy`` with its floor."""
        if self.out_file:
            with atomic_path(self.out_file, overwrite=True) as temporary:
                _save_maps(temporary, {name: predicted for _, name, predicted in results})
        areas = np.stack([area for area, _, _ in results])  # (images, [intersect, union, predicted, label], classes)
        totals = areas.sum(0)
        label_share = totals[3] / totals[3].sum()
        return {
            "num_samples": len(results),
            "std_error_method": BOOTSTRAP_METHOD,
            "miou": _mean_iou(totals),
            "miou_std_error": bootstrap_std_error(lambda images: _mean_iou(areas[images].sum(0)), len(results)),
            "miou_floor": 100 * float(label_share.max() / (totals[3] > 0).sum()),
            "pixel_accuracy": 100 * float(totals[0].sum() / totals[3].sum()),
            "pixel_accuracy_floor": 100 * float(label_share.max()),
        }


def _save_maps(path: Path, maps: dict[str, Any]) -> None:
    np.savez_compressed(path, **maps)


def _mean_iou(totals: np.ndarray) -> float:
    """Mean IoU (%) from summed areas, shape (4, classes)."""
    occurs = totals[1] > 0
    return 100 * float(np.mean(totals[0][occurs] / totals[1][occurs]))
