"""ImageNet's folders: ``data_root/split/class folder/image``."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DefaultScope

from simmim_eval.data.image import IMAGE_SUFFIXES
from simmim_eval.data.layout import require_folder
from simmim_eval.errors import DataError
from simmim_eval.registry import DATASETS

__all__ = ["ImageNet"]

_LAYOUT = "data_root/split/<class folder>/<images>, as ImageNet's train and val"


@DATASETS.register_module()
class ImageNet(BaseDataset):
    """Images in one folder a class; labels number the sorted folder names.

    The pipeline is given ``img_path`` (str), ``gt_label`` (int) and ``sample_idx`` (int). ``metainfo['classes']`` are
    the folder names.

    Args:
        data_root: Folder that holds the splits.
        split: Name of the split's folder, such as ``"train"``.
        pipeline: Transforms, as configs (types without a scope are ours) or callables; or one callable.
        indices: Use only the first so many images, or the images at these places.
        test_mode: A pipeline that gives None is an error, instead of another draw.

    Example:
        ``dict(type='simmim_eval.ImageNet', data_root='data/imagenet', split='train', pipeline=train_pipeline)``

    Raises:
        DataError: A folder is absent, no class folder is there, one is empty, or holds what is not an image.
    """

    def __init__(
        self,
        data_root: str | os.PathLike[str],
        split: str,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] | Callable[..., Any] = (),
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
    ) -> None:
        self.split = split
        steps = [pipeline] if callable(pipeline) else list(pipeline)
        with DefaultScope.overwrite_default_scope("simmim_eval"):
            super().__init__(data_root=os.fspath(data_root), pipeline=steps, indices=indices, test_mode=test_mode)

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the images, sorted by class folder and name, and set ``metainfo['classes']``."""
        folder = require_folder(require_folder(self.data_root, _LAYOUT) / self.split, _LAYOUT)
        classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not _hidden(entry.name))
        if not classes:
            raise DataError(f"{folder}: holds no class folder. Expected {_LAYOUT}; sort the images into classes.")
        self._metainfo["classes"] = tuple(classes)
        return [
            {"img_path": path, "gt_label": label}
            for label, name in enumerate(classes)
            for path in _images_of(folder / name)
        ]


def _images_of(folder: Path) -> list[str]:
    names = sorted(name for name in os.listdir(folder) if not _hidden(name))
    if not names:
        raise DataError(f"{folder}: the class folder is empty. Restore its images, or remove the folder.")
    for name in names:
        if not name.lower().endswith(IMAGE_SUFFIXES):
            raise DataError(
                f"{folder / name}: is not an image by its suffix (known: {', '.join(IMAGE_SUFFIXES)}). "
                f"Expected {_LAYOUT}; move it away."
            )
    return [str(folder / name) for name in names]


def _hidden(name: str) -> bool:
    return name.startswith(".")
