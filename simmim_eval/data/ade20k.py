"""ADE20K's pairs of image and label map for mmseg, checked before training starts."""

import simmim_eval.compat  # noqa: F401  (must come before mmseg)

# isort: split
from collections.abc import Mapping
from typing import Any

from mmseg.datasets import ADE20KDataset, BaseSegDataset

from simmim_eval.data.layout import require_file, require_files, require_folder, require_prefix, walk_files
from simmim_eval.errors import DataError

__all__ = ["ADE20K"]

_NAME = "simmim_eval.ADE20K"
_LAYOUT = "images/<split>/NAME.jpg beside annotations/<split>/NAME.png, as ADEChallengeData2016"


class ADE20K(BaseSegDataset):
    """mmseg's ``BaseSegDataset`` with ADE20K's 150 classes, or with your own in ``metainfo``.

    Arguments are ``BaseSegDataset``'s. Adds ``num_classes`` to every sample, for ``simmim_eval.LoadLabelMap``.

    Args:
        metainfo: ``classes`` (and ``palette``) in the order of the label values; ADE20K's when absent.
        reduce_zero_label: Value 0 is "no class" and is ignored; value v is class v - 1. ADE20K's convention.
        **options: Arguments of ``BaseSegDataset``.

    Example:
        ``dict(type='simmim_eval.ADE20K', data_root='data/ade/ADEChallengeData2016', pipeline=train_pipeline,
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'))``
    """

    def __init__(
        self, metainfo: Mapping[str, Any] | None = None, reduce_zero_label: bool = True, **options: Any
    ) -> None:
        metainfo = dict(metainfo or {})
        if "classes" not in metainfo:
            metainfo = {**ADE20KDataset.METAINFO, **metainfo}
        super().__init__(metainfo=metainfo, reduce_zero_label=reduce_zero_label, **options)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Check the folders and that every image has its label map, then let mmseg list them."""
        images = require_folder(require_prefix(self.data_prefix, "img_path", _NAME), _LAYOUT)
        label_maps = require_folder(require_prefix(self.data_prefix, "seg_map_path", _NAME), _LAYOUT)
        if self.ann_file:
            require_file(self.ann_file, "a list of image names without suffix, one a line")
        for _ in walk_files(images):  # refuses links that lead back, which mmseg would follow for ever
            pass
        data_list: list[dict[str, Any]] = super().load_data_list()
        if not data_list:
            raise DataError(f"{images}: holds no image named *{self.img_suffix}. Expected {_LAYOUT}.")
        require_files(
            (sample["img_path"] for sample in data_list), f"{self.ann_file}: images", "Restore them, or correct it."
        )
        require_files(
            (sample["seg_map_path"] for sample in data_list),
            f"{label_maps}: label maps of the images in {images}",
            f"Expected {_LAYOUT}. Restore the label maps, or remove their images.",
        )
        for sample in data_list:
            sample["num_classes"] = len(self._metainfo["classes"])
        return data_list
