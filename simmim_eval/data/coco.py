"""COCO instances for mmdet, checked before training starts."""

import simmim_eval.compat  # noqa: F401  (must come before mmdet)

# isort: split
import os
from typing import Any

from mmdet.datasets import CocoDataset

from simmim_eval.data.coco_annotations import read_instances, select_classes
from simmim_eval.data.layout import require_files, require_prefix

__all__ = ["Coco"]


class Coco(CocoDataset):
    """mmdet's ``CocoDataset`` for any instances file: the official 80 classes with their 90 ids, or a small one's.

    Arguments are ``CocoDataset``'s. ``metainfo.classes`` defaults to all categories of the annotation file; labels
    number them in the order of the file. A fault is a DataError before the first step.

    Example:
        ``dict(type='simmim_eval.Coco', data_root='data/coco', ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'), pipeline=train_pipeline)``
    """

    METAINFO: dict[str, Any] = {}

    def load_data_list(self) -> list[dict[str, Any]]:
        """Check the annotations and that every image is there, then let mmdet read them."""
        content = read_instances(self.ann_file)
        self._metainfo["classes"] = select_classes(content, self._metainfo.get("classes"), self.ann_file)
        folder = require_prefix(self.data_prefix, "img", "simmim_eval.Coco")
        require_files(
            (os.path.join(folder, image["file_name"]) for image in content["images"]),
            f"{self.ann_file}: images",
            "Unpack the images, or correct data_root or data_prefix.img.",
        )
        data_list: list[dict[str, Any]] = super().load_data_list()
        return data_list
