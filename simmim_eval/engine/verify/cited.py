"""Published numbers of checkpoints that can be named: what a measurement of the same file must come near to.

Few on purpose: one or two of each kind of model for each task. Any other number: ``--expect``.
"""

from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

__all__ = ["CITED", "NUM_SAMPLES", "Cited", "find_cited"]

NUM_SAMPLES = {"classification": 50_000, "detection": 5_000, "segmentation": 2_000, "recognition": 19_796}
"""Images or videos over which the published numbers were measured; Kinetics-400 in mmaction2's copy."""

_TIMM = "huggingface/pytorch-image-models, results/results-imagenet.csv"
_SWIN_SPREAD = 0.18  # of one checkpoint, Swin-B: 83.5 by its authors, 83.604 by timm, 83.42 by mmpretrain


@dataclass(frozen=True)
class Cited:
    """One published checkpoint.

    Attributes:
        checkpoint: ``timm:NAME``, or the file's name as published.
        task: The task.
        values: Metric to published value.
        source: Where the number stands.
        config: Stock config that evaluates the file; None where timm's model says itself how.
        spread: How far others' measurements of the same file lie apart; 0 if nobody printed another.
    """

    checkpoint: str
    task: str
    values: dict[str, float]
    source: str
    config: str | None = None
    spread: float = 0.0


CITED: tuple[Cited, ...] = (
    Cited("timm:resnet50.tv_in1k", "classification", {"top1": 76.156}, _TIMM),
    Cited("timm:swin_tiny_patch4_window7_224.ms_in1k", "classification", {"top1": 81.388}, _TIMM),
    Cited("timm:swin_base_patch4_window7_224.ms_in1k", "classification", {"top1": 83.604}, _TIMM, spread=_SWIN_SPREAD),
    Cited("timm:vit_base_patch16_224.augreg_in1k", "classification", {"top1": 79.154}, _TIMM),
    Cited("timm:deit_base_patch16_224.fb_in1k", "classification", {"top1": 81.980}, _TIMM),
    Cited(
        "mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth",
        "detection",
        {"box_ap": 38.2, "mask_ap": 34.7},
        "mmdet 3.3.0, configs/mask_rcnn/metafile.yml",
        "mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py",
    ),
    Cited(
        "mask_rcnn_swin-t-p4-w7_fpn_1x_coco_20210902_120937-9d6b7cfa.pth",
        "detection",
        {"box_ap": 42.7, "mask_ap": 39.3},
        "mmdet 3.3.0, configs/swin/metafile.yml",
        "mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py",
    ),
    Cited(
        "upernet_r50_512x512_160k_ade20k_20200615_184328-8534de8d.pth",
        "segmentation",
        {"miou": 42.05},
        "mmseg 1.2.2, configs/upernet/metafile.yaml",
        "mmseg::upernet/upernet_r50_4xb4-160k_ade20k-512x512.py",
    ),
    Cited(
        "upernet_swin_tiny_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K_20210531_112542-e380ad3e.pth",
        "segmentation",
        {"miou": 44.41},
        "mmseg 1.2.2, configs/swin/metafile.yaml",
        "mmseg::swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py",
    ),
    Cited(
        "tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb_20220906-2692d16c.pth",
        "recognition",
        {"top1": 74.12},
        "mmaction2 1.2.0, configs/recognition/tsn/metafile.yml",
        "mmaction::recognition/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb.py",
    ),
    Cited(
        "swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth",
        "recognition",
        {"top1": 78.90},
        "mmaction2 1.2.0, configs/recognition/swin/metafile.yml",
        "mmaction::recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py",
    ),
)


def find_cited(source: str, task: str) -> Cited | None:
    """The published checkpoint that a source names, by the name alone; None if it is none of :data:`CITED`."""
    name = source if source.startswith("timm:") else PurePath(urlsplit(source).path).name
    return next((cited for cited in CITED if (cited.checkpoint, cited.task) == (name, task)), None)
