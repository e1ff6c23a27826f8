"""AP against mmdet's stock metric, its resampling against a COCO file with the images copied."""

import copy
import json

import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

import simmim_eval.compat  # noqa: F401
from simmim_eval.errors import ConfigError, DataError
from simmim_eval.transfer.detection import TASK

SIDE, CLASSES = 32, ("a", "b", "c")


def _box_mask(x, y, w, h):
    mask = np.zeros((SIDE, SIDE), np.uint8, order="F")
    mask[y : y + h, x : x + w] = 1
    return mask


@pytest.fixture(scope="module")
def scenes():
    """(COCO dict, one prediction an image): boxes and masks near the truth, some wrong."""
    rng = np.random.default_rng(0)
    images, annotations, predictions = [], [], []
    for image_id in range(8):
        images.append({"id": image_id, "width": SIDE, "height": SIDE, "file_name": f"{image_id}.jpg"})
        boxes, labels, masks = [], [], []
        for _ in range(3):
            x, y, w, h = (int(v) for v in rng.integers([0, 0, 6, 6], [16, 16, 15, 15]))
            label = int(rng.integers(3))
            mask = _box_mask(x, y, w, h)
            rle = mask_utils.encode(mask)
            rle["counts"] = rle["counts"].decode()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": label + 1,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                    "segmentation": rle,
                }
            )
            dx, dy = (int(v) for v in rng.integers(-2, 3, size=2))
            x, y = max(0, x + dx), max(0, y + dy)
            boxes.append([x, y, x + w, y + h])
            labels.append(label if rng.random() < 0.8 else int(rng.integers(3)))
            masks.append(_box_mask(x, y, w, h))
        predictions.append(
            {
                "img_id": image_id,
                "ori_shape": (SIDE, SIDE),
                "pred_instances": {
                    "bboxes": torch.tensor(boxes, dtype=torch.float32),
                    "labels": torch.tensor(labels),
                    "scores": torch.from_numpy(rng.random(3)),
                    "masks": torch.from_numpy(np.stack(masks)).bool(),
                },
            }
        )
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)]
    return {"images": images, "annotations": annotations, "categories": categories}, predictions


def _write(folder, truth):
    path = folder / "instances.json"
    path.write_text(json.dumps(truth))
    return str(path)


def _evaluate(metric, predictions):
    metric.dataset_meta = {"classes": CLASSES}
    metric.process({}, copy.deepcopy(predictions))
    return metric.evaluate(len(predictions))


def _ours(path, predictions, **kwargs):
    from simmim_eval.transfer.detection.metric import CocoAP

    return _evaluate(CocoAP(ann_file=path, **kwargs), predictions)


def test_equals_mmdet(scenes, tmp_path):
    from mmdet.evaluation import CocoMetric

    truth, predictions = scenes
    path = _write(tmp_path, truth)
    stock = _evaluate(CocoMetric(ann_file=path, metric=["bbox", "segm"]), predictions)
    ours = _ours(path, predictions)
    assert ours["num_samples"] == 8
    for mine, theirs in (("box_ap", "bbox_mAP"), ("box_ap50", "bbox_mAP_50"), ("mask_ap", "segm_mAP")):
        assert ours[mine] > 1
        assert ours[mine] == pytest.approx(100 * stock[f"coco/{theirs}"], abs=0.051)  # theirs is rounded


def test_no_detection_is_zero(scenes, tmp_path):
    truth, predictions = scenes
    empty = copy.deepcopy(predictions)
    for sample in empty:
        sample["pred_instances"] = {key: value[:0] for key, value in sample["pred_instances"].items()}
    metrics = _ours(_write(tmp_path, truth), empty)
    assert metrics["box_ap"] == metrics["mask_ap"] == metrics["box_ap_std_error"] == 0


def test_a_class_without_instances_and_a_crowd_count_as_in_mmdet(scenes, tmp_path):
    from mmdet.evaluation import CocoMetric

    truth, predictions = copy.deepcopy(scenes)
    truth["annotations"] = [row for row in truth["annotations"] if row["category_id"] != 2]
    truth["annotations"][0]["iscrowd"] = 1
    path = _write(tmp_path, truth)
    stock = _evaluate(CocoMetric(ann_file=path, metric=["bbox", "segm"]), predictions)
    ours = _ours(path, predictions)
    assert ours["box_ap"] == pytest.approx(100 * stock["coco/bbox_mAP"], abs=0.051) != 0
    assert ours["mask_ap"] == pytest.approx(100 * stock["coco/segm_mAP"], abs=0.051) != 0


@pytest.mark.parametrize("crowds", [True, False])
def test_nothing_to_find_is_a_fault_of_the_data(scenes, tmp_path, crowds):
    truth, predictions = copy.deepcopy(scenes)
    for row in truth["annotations"]:
        row["iscrowd"] = 1
    truth["annotations"] = truth["annotations"] if crowds else []
    path = _write(tmp_path, truth)
    with pytest.raises(DataError, match="no instance of the 3 classes in 8 images") as caught:
        _ours(path, predictions)
    assert path in str(caught.value)


def test_boxes_alone(scenes, tmp_path):
    truth, predictions = copy.deepcopy(scenes)
    path = _write(tmp_path, truth)
    whole = _ours(path, predictions)
    for sample in predictions:
        del sample["pred_instances"]["masks"]
    with pytest.raises(ConfigError, match=r"predicts none\. Set test_evaluator\.kinds=\('box',\)"):
        _ours(path, predictions)
    boxes = _ours(path, predictions, kinds=("box",), out_file=str(tmp_path / "predictions.json"))
    assert boxes == {key: value for key, value in whole.items() if "mask" not in key}
    assert list(json.loads((tmp_path / "predictions.json").read_text())) == ["bbox"]
    metrics = {metric.name for metric in TASK.read_metrics(boxes)}
    assert metrics == {"box_ap", "box_ap50"}


def test_unknown_kind(scenes, tmp_path):
    with pytest.raises(ConfigError, match=r"kinds is \('boxes',\); expected some of box, mask"):
        _ours(_write(tmp_path, scenes[0]), [], kinds=("boxes",))


def test_bootstrap_equals_copied_images(scenes, tmp_path):
    truth, predictions = scenes
    rng = np.random.default_rng(3)
    values = []
    for _ in range(60):
        chosen = rng.integers(0, len(predictions), size=len(predictions))
        values.append(_ours_of_copies(truth, predictions, chosen, tmp_path))
    std_error = _ours(_write(tmp_path, truth), predictions)["box_ap_std_error"]
    assert std_error == pytest.approx(np.std(values), rel=0.35)  # 60 draws know it to about 10 %


def _ours_of_copies(truth, predictions, chosen, folder):
    """AP of a data set that holds image ``chosen[k]`` under the new id k."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images, annotations, results = [], [], []
    for new, old in enumerate(chosen):
        images.append({**truth["images"][old], "id": new})
        for annotation in truth["annotations"]:
            if annotation["image_id"] == old:
                annotations.append({**annotation, "id": len(annotations) + 1, "image_id": new})
        found = predictions[old]["pred_instances"]
        for box, label, score in zip(found["bboxes"].tolist(), found["labels"], found["scores"], strict=True):
            x1, y1, x2, y2 = box
            results.append(
                {
                    "image_id": new,
                    "category_id": int(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": float(score),
                }
            )
    coco = COCO(_write(folder, {**truth, "images": images, "annotations": annotations}))
    evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return 100 * evaluation.stats[0]


def test_predictions_are_kept_in_the_result_format(scenes, tmp_path):
    from pycocotools.coco import COCO

    truth, predictions = scenes
    path = _write(tmp_path, truth)
    _ours(path, predictions, out_file=str(tmp_path / "predictions.json"))
    kept = json.loads((tmp_path / "predictions.json").read_text())
    assert len(COCO(path).loadRes(kept["segm"]).anns) == 24
