"""Box and mask AP by pycocotools, with a bootstrap over images."""

import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
from mmdet.evaluation import CocoMetric
from pycocotools.cocoeval import COCOeval

from simmim_eval.errors import ConfigError, DataError
from simmim_eval.files import write_atomic
from simmim_eval.transfer.uncertainty import BOOTSTRAP_METHOD, bootstrap_std_error

__all__ = ["CocoAP"]

IOU_TYPES = {"box": "bbox", "mask": "segm"}


class CocoAP(CocoMetric):
    """COCO's AP (0.50:0.95, all areas, 100 detections) and AP50 of boxes and masks, 0 to 100.

    A model without a single detection has AP 0; upstream's metric would return nothing.

    .. code-block:: python

        test_evaluator = dict(type="simmim_eval.CocoAP", ann_file=data_root + "annotations/instances_val2017.json")

    Args:
        ann_file: COCO instances JSON.
        out_file: JSON of kept predictions, ``{"bbox": [...], "segm": [...]}`` in COCO's result format.
        kinds: What is measured; ``("box",)`` for a detector without masks.
    """

    default_prefix = None

    def __init__(
        self, ann_file: str, out_file: str | None = None, kinds: Sequence[str] = tuple(IOU_TYPES), **kwargs: Any
    ) -> None:
        if not kinds or not set(kinds) <= set(IOU_TYPES):
            raise ConfigError(f"test_evaluator.kinds is {tuple(kinds)}; expected some of {', '.join(IOU_TYPES)}.")
        self.iou_types = {kind: IOU_TYPES[kind] for kind in kinds}
        with redirect_stdout(StringIO()):
            super().__init__(ann_file=ann_file, metric=list(self.iou_types.values()), **kwargs)
        self.ann_file = ann_file
        self.out_file = out_file

    def compute_metrics(self, results: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
        """``{box,mask}_ap``, their bootstrap standard errors, and ``{box,mask}_ap50``, of the ``kinds``.

        Raises:
            ConfigError: Masks are to be measured, and the detector predicts none.
            DataError: The images hold nothing to find: no annotation of these classes, or crowds only.
        """
        self.cat_ids = self._coco_api.get_cat_ids(cat_names=self.dataset_meta["classes"])
        self.img_ids = [ground_truth["img_id"] for ground_truth, _ in results]
        truth = self._coco_api.loadAnns(self._coco_api.get_ann_ids(img_ids=self.img_ids, cat_ids=self.cat_ids))
        if all(annotation.get("iscrowd") for annotation in truth):
            raise DataError(
                f"{self.ann_file}: no instance of the {len(self.cat_ids)} classes in {len(self.img_ids)} images "
                "(crowds do not count), so there is no AP. Evaluate images that hold some, or correct the annotations."
            )
        predictions = self._predictions([prediction for _, prediction in results])
        if self.out_file:
            write_atomic(self.out_file, json.dumps(predictions), overwrite=True)
        metrics: dict[str, Any] = {"num_samples": len(self.img_ids), "std_error_method": BOOTSTRAP_METHOD}
        for name, iou_type in self.iou_types.items():
            with redirect_stdout(StringIO()):
                metrics |= self._average_precision(name, iou_type, predictions[iou_type])
        return metrics

    def _predictions(self, results: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        kept: dict[str, list[dict[str, Any]]] = {iou_type: [] for iou_type in self.iou_types.values()}
        for result in results:
            if "segm" in kept and "masks" not in result:
                raise ConfigError(
                    "test_evaluator measures masks, but the detector predicts none. Set test_evaluator.kinds=('box',)."
                )
            for index, label in enumerate(result["labels"]):
                common = {
                    "image_id": result["img_id"],
                    "category_id": self.cat_ids[label],
                    "score": float(result["scores"][index]),
                }
                if "bbox" in kept:
                    kept["bbox"].append(common | {"bbox": [float(v) for v in self.xyxy2xywh(result["bboxes"][index])]})
                if "segm" in kept:
                    kept["segm"].append(common | {"segmentation": _plain(result["masks"][index])})
        return kept

    def _average_precision(self, name: str, iou_type: str, predictions: list[dict[str, Any]]) -> dict[str, float]:
        if not predictions:
            return {f"{name}_ap": 0.0, f"{name}_ap_std_error": 0.0, f"{name}_ap50": 0.0}
        evaluation = COCOeval(self._coco_api, self._coco_api.loadRes(predictions), iou_type)
        evaluation.params.catIds, evaluation.params.imgIds = self.cat_ids, self.img_ids
        evaluation.params.areaRng, evaluation.params.maxDets = evaluation.params.areaRng[:1], [100]
        evaluation.evaluate()
        per_image = np.array(evaluation.evalImgs, dtype=object).reshape(len(self.cat_ids), -1)

        def mean_precision(images: np.ndarray) -> float:
            evaluation.evalImgs = per_image[:, images].ravel().tolist()
            evaluation.accumulate()
            return _mean_valid(evaluation.eval["precision"])

        num_images = per_image.shape[1]
        std_error = bootstrap_std_error(mean_precision, num_images)
        average_precision = mean_precision(np.arange(num_images))  # last: AP50 is read from the same accumulation
        return {
            f"{name}_ap": average_precision,
            f"{name}_ap_std_error": std_error,
            f"{name}_ap50": _mean_valid(evaluation.eval["precision"][:1]),
        }


def _plain(mask: dict[str, Any]) -> dict[str, Any]:
    """A run-length encoded mask that JSON can hold."""
    counts = mask["counts"]
    return {**mask, "counts": counts.decode() if isinstance(counts, bytes) else counts}


def _mean_valid(precision: np.ndarray) -> float:
    """Mean precision (0 to 100) of the categories that occur; pycocotools marks the others with -1."""
    valid = precision[precision > -1]
    return 100 * float(valid.mean()) if valid.size else 0.0
