"""ViT-B as SimMIM has it (relative positions, layer scale): four initialisations on four benchmarks at full size.

Source: recipes as each states. Public supervised ViTs have absolute positions and fit another network, so the
supervised row is pre-trained here, under DeiT's recipe.
Expected: ImageNet-1K 83.8 from SimMIM (microsoft/SimMIM, README); the other cells were never published.
Cost: simmim-eval plan suites/transfer_vit-base.py
Command: simmim-eval suite run suites/transfer_vit-base.py --data-root data --work-dir work_dirs/transfer_vit-base
"""

title = "ViT-B on four benchmarks"
data = dict(in1k="imagenet", coco="coco", ade20k="ade/ADEChallengeData2016", k400="kinetics400")
arms = [
    {
        "pretraining": {
            "simmim": dict(recipe="pretrain/simmim_vit-base-p16-rpb_16xb128-800e_in1k-224px.py"),
            "supervised": dict(
                recipe="classification/cls_vit-base-p16-rpb_16xb64-300e_in1k-224px.py", init="from_scratch"
            ),
            "simmim+supervised": dict(
                recipe="classification/cls_vit-base-p16-rpb_16xb128-100e_in1k-224px.py", init="simmim"
            ),
        },
        "transfer": [
            "detection/mask-rcnn-vitdet_vit-base-p16-rpb_16xb4-100e_coco-1024px.py",
            "recognition/i3d-head_vit-base-p16-rpb-t2_64xb8-16x4x1-100e_k400.py",
            "segmentation/upernet_vit-base-p16_8xb2-160k_ade20k-512px.py",
            "classification/cls_vit-base-p16-rpb_16xb128-100e_in1k-224px.py",
        ],
    }
]
inits = ["random", "supervised", "simmim", "simmim+supervised"]
notes = [
    "dense recipes are ours: SimMIM's authors published none",
    "random weights under fine-tuning recipes; from scratch would be another budget",
]
