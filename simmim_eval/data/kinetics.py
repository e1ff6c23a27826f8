"""Kinetics for mmaction: mmaction's list of videos, or the official csv; checked before training starts."""

import simmim_eval.compat  # noqa: F401  (must come before mmaction)

# isort: split
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmaction.datasets import VideoDataset

from simmim_eval.data.kinetics_list import Clip, read_csv, read_list
from simmim_eval.data.layout import require_file, require_files, require_folder, require_prefix
from simmim_eval.errors import ConfigError, DataError

__all__ = ["Kinetics"]


class Kinetics(VideoDataset):
    """mmaction's ``VideoDataset`` with its list format, or with Kinetics' own csv.

    A list has lines ``path label``; the csv has the columns label, youtube_id, time_start, time_end, split, and its
    videos are ``<label>/<youtube_id>_<start>_<end>.mp4`` with six digits a time. In a csv, labels number
    ``metainfo.classes`` if given, else the sorted names in the file.

    Args:
        ann_file: List (any suffix) or csv (``.csv``), relative to ``data_root``.
        pipeline: Transforms; each sample gives them ``filename`` and ``label``.
        data_root: Folder of the data set.
        data_prefix: ``dict(video=folder of the videos)``, relative to ``data_root``.
        num_classes: Number of classes; every label must be below it.
        metainfo: ``classes``: names in the order of the labels.
        indices: Use only the first so many videos, or the videos at these places.
        test_mode: A pipeline that gives None is an error, instead of another draw.

    Example:
        ``dict(type='simmim_eval.Kinetics', data_root='data/kinetics400', num_classes=400, pipeline=train_pipeline,
        ann_file='kinetics400_train_list_videos.txt', data_prefix=dict(video='videos_train'))``
    """

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]],
        data_root: str = "",
        data_prefix: Mapping[str, str] | None = None,
        num_classes: int | None = None,
        metainfo: Mapping[str, Any] | None = None,
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
    ) -> None:
        classes = (metainfo or {}).get("classes")
        if classes is not None and num_classes is not None and len(classes) != num_classes:
            raise ConfigError(
                f"simmim_eval.Kinetics: num_classes is {num_classes}, metainfo.classes has {len(classes)} names. "
                "Remove one of them, or make them agree."
            )
        super().__init__(
            ann_file=ann_file,
            pipeline=pipeline,
            data_root=data_root,
            data_prefix=dict(data_prefix or {"video": ""}),
            num_classes=num_classes,
            metainfo=metainfo,
            indices=indices,
            test_mode=test_mode,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotations, check labels and files, and give ``filename`` and ``label`` of each video."""
        path = require_file(self.ann_file, "a list of lines 'path label', or Kinetics' csv")
        prefix = require_prefix(self.data_prefix, "video", "simmim_eval.Kinetics")
        folder = require_folder(prefix, "the folder of the videos (data_prefix.video)")
        classes = self._metainfo.get("classes")
        if path.suffix == ".csv":
            clips, self._metainfo["classes"] = read_csv(path, folder, classes)
        else:
            clips = read_list(path, folder)
        self._check_labels(clips)
        require_files(
            (clip.path for clip in clips),
            f"{path}: videos",
            "Restore them, correct data_prefix.video, or remove their lines.",
        )
        return [{"filename": clip.path, "label": clip.label} for clip in clips]

    def _check_labels(self, clips: Sequence[Clip]) -> None:
        names = self._metainfo.get("classes")
        count = self.num_classes or (len(names) if names else None)
        if count is None:
            return
        if names is not None and len(names) != count:
            raise DataError(
                f"{self.ann_file}: names {len(names)} labels, num_classes is {count}: their numbers would not be those "
                "of the whole set. Give all names in metainfo.classes, or correct num_classes."
            )
        for clip in clips:
            if clip.label >= count:
                raise DataError(
                    f"{self.ann_file}, line {clip.line}: label {clip.label} is out of range; with {count} classes "
                    f"allowed are 0 to {count - 1}. Correct the line or num_classes."
                )
