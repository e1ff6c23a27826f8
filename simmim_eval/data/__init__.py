"""Disk formats and their faults: a file becomes an image, a label map or a clip, or an error that names the file.

=====================  ==================================================================
ImageNet               ``data_root/split/<class folder>/<images>``
Coco                   instances JSON (mmdet)
ADE20K                 image and PNG label map (mmseg)
Kinetics               list of videos, or the official csv (mmaction)
=====================  ==================================================================

The classes of the last three are in ``coco``, ``ade20k`` and ``kinetics``, which import their library; importing
this package does not.
"""

from simmim_eval.data import upstream  # noqa: F401
from simmim_eval.data.fingerprint import data_fingerprint
from simmim_eval.data.image import LoadImage, read_image
from simmim_eval.data.imagenet import ImageNet
from simmim_eval.data.label_map import LoadLabelMap, read_label_map
from simmim_eval.data.video import DecodeVideo, OpenVideo, count_frames, decode_frames

__all__ = [
    "DecodeVideo",
    "ImageNet",
    "LoadImage",
    "LoadLabelMap",
    "OpenVideo",
    "count_frames",
    "data_fingerprint",
    "decode_frames",
    "read_image",
    "read_label_map",
]
