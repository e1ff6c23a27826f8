"""Swin-B: SimMIM, supervised, SimMIM then supervised, and random weights on four benchmarks at full size.

Source: recipes as each states; the second, supervised stage after SimMIM is its authors' advice for other tasks
(microsoft/SimMIM, issue 11).
Expected: ImageNet-1K 84.0 from SimMIM (microsoft/SimMIM, README); the other cells were never published.
Cost: simmim-eval plan suites/transfer_swin-base.py; without the pre-training, bring SimMIM's weights:
    --checkpoint simmim=simmim_pretrain__swin_base__img192_window6__800ep.pth
Command: simmim-eval suite run suites/transfer_swin-base.py --data-root data --work-dir work_dirs/transfer_swin-base
"""

title = "Swin-B on four benchmarks"
data = dict(in1k="imagenet", coco="coco", ade20k="ade/ADEChallengeData2016", k400="kinetics400")
arms = [
    {
        "pretraining": {
            "simmim": dict(recipe="pretrain/simmim_swin-base-w6_16xb128-800e_in1k-192px.py"),
            "simmim+supervised": dict(
                recipe="classification/cls_swin-base-w7_16xb128-100e-ld80_in1k-224px.py", init="simmim"
            ),
        },
        "checkpoints": {"supervised": "timm:swin_base_patch4_window7_224.ms_in1k"},
        "transfer": [
            "recognition/i3d-head_swin-base-p244-w877_8xb8-32x2x1-30e_k400.py",
            "detection/mask-rcnn-fpn_swin-base-w7_8xb2-3x_coco.py",
            "segmentation/upernet_swin-base-w7_8xb2-160k_ade20k-512px.py",
            "classification/cls_swin-base-w7_16xb128-100e-ld80_in1k-224px.py",
        ],
        "cited": [
            dict(
                recipe="classification/cls_swin-base-w7_16xb128-100e-ld80_in1k-224px.py",
                init="supervised",
                value=83.5,
                source="microsoft/Swin-Transformer, MODELHUB.md",
            )
        ],
    }
]
inits = ["random", "supervised", "simmim", "simmim+supervised"]
notes = [
    "dense recipes are ours: SimMIM's authors published none",
    "random weights under fine-tuning recipes; from scratch would be another budget",
]
