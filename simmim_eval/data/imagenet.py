"""ImageNet's folders: ``data_root/split/class folder/image``."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.dataset import BaseDataset
from mmengine.registry import DefaultScope

from simmim_eval.data.image import IMAGE_SUFFIXES
from simmim_eval.data.layout import require_folder
from simmim_eval.errors import DataError
from simmim_eval.registry import DATASETS

__all__ = ["ClassFolder", "ImageNet", "class_faults", "class_folders"]

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
        classes = class_folders(folder)
        if not classes:
            raise DataError(f"{folder}: holds no class folder. Expected {_LAYOUT}; sort the images into classes.")
        for found in classes:
            for fault in class_faults(folder, found):
                raise fault
        self._metainfo["classes"] = tuple(found.name for found in classes)
        return [
            {"img_path": str(folder / found.name / name), "gt_label": label}
            for label, found in enumerate(classes)
            for name in found.images
        ]


class ClassFolder(NamedTuple):
    """One class: the name of its folder, the sorted names of its images, and of what else lies there."""

    name: str
    images: tuple[str, ...]
    others: tuple[str, ...]


def class_folders(folder: Path) -> list[ClassFolder]:
    """The class folders of a split, sorted by name, with what each holds; hidden names do not count.

    Raises:
        DataError: A folder cannot be listed.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not _hidden(entry.name) and os.path.isdir(entry))
        return [_class_folder(folder, name) for name in names]
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be listed ({error.strerror}). Mend its permissions.") from error


def class_faults(folder: Path, found: ClassFolder) -> Iterator[DataError]:
    """What a class folder should not be (empty) or hold (no image by its suffix)."""
    if not found.images and not found.others:
        yield DataError(
            f"{folder / found.name}: the class folder is empty. Restore its images, or remove the folder.",
            kind="empty-class",
        )
    for name in found.others:
        yield DataError(
            f"{folder / found.name / name}: is not an image by its suffix (known: {', '.join(IMAGE_SUFFIXES)}). "
            f"Expected {_LAYOUT}; move it away.",
            kind="not-an-image",
        )


def _class_folder(folder: Path, name: str) -> ClassFolder:
    names = sorted(name for name in os.listdir(folder / name) if not _hidden(name))
    images = tuple(name for name in names if name.lower().endswith(IMAGE_SUFFIXES))
    return ClassFolder(name, images, tuple(name for name in names if not name.lower().endswith(IMAGE_SUFFIXES)))


def _hidden(name: str) -> bool:
    return name.startswith(".")
