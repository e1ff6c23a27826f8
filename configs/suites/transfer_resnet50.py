"""ResNet-50: SimMIM, supervised, SimMIM then supervised, and random weights on four benchmarks at full size.

Source: recipes as each states. SimMIM's ResNet results came without code; its pre-training here is ours, the
fine-tuning is SparK's.
Expected: ours; SimMIM for 300 epochs under RSB A2 was reported at 79.9 (Westlake-AI/A2MIM, README).
Cost: simmim-eval plan suites/transfer_resnet50.py
Command: simmim-eval suite run suites/transfer_resnet50.py --data-root data --work-dir work_dirs/transfer_resnet50
"""

title = "ResNet-50 on four benchmarks"
data = dict(in1k="imagenet", coco="coco", ade20k="ade/ADEChallengeData2016", k400="kinetics400")
arms = [
    {
        "pretraining": {
            "simmim": dict(recipe="pretrain/simmim_resnet50_16xb128-100e_in1k-192px.py"),
            "simmim+supervised": dict(
                recipe="classification/cls_resnet50_8xb256-300e-ld70_in1k-224px.py", init="simmim"
            ),
        },
        "checkpoints": {"supervised": "timm:resnet50.a1_in1k"},
        "transfer": [
            "recognition/i3d-head_slowonly-resnet50_8xb16-8x8x1-150e_k400.py",
            "detection/mask-rcnn-fpn_resnet50_8xb2-3x_coco.py",
            "segmentation/upernet_resnet50_8xb2-160k_ade20k-512px.py",
            "classification/cls_resnet50_8xb256-300e-ld70_in1k-224px.py",
        ],
        "cited": [
            dict(
                recipe="classification/cls_resnet50_8xb256-300e-ld70_in1k-224px.py",
                init="supervised",
                value=80.382,
                source="huggingface/pytorch-image-models, results/results-imagenet.csv (resnet50.a1_in1k, at 224)",
            )
        ],
    }
]
inits = ["random", "supervised", "simmim", "simmim+supervised"]
notes = [
    "dense recipes are ours: no protocol for SimMIM's ResNet was published",
    "random weights under fine-tuning recipes; from scratch would be another budget",
]
