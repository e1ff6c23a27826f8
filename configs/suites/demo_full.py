"""The demo for three families: Swin, ViT and ResNet, three initialisations, four tasks, two pre-trainings each.

Source: ours; recipes as in suites/demo.py, with another backbone in each.
Expected: one table. Differences at this size are not evidence.
Cost: about an hour and a half on two cores; a suite that was stopped goes on where it was.
Command: simmim-eval suite run suites/demo_full.py --data-root data/demo --work-dir work_dirs/demo_full
"""

title = "Demo suite, three families"
arms = [
    dict(
        pretraining=dict(
            simmim=dict(recipe=f"pretrain/simmim_{family}-nano_1xb32-900i_demo.py"),
            supervised=dict(recipe=f"pretrain/supervised_{family}-nano_1xb32-900i_demo.py"),
        ),
        transfer=[
            f"detection/{detector}_{family}-nano_1xb4-300i_demo.py",
            f"recognition/i3d-head_{family}-nano_1xb16-300i_demo.py",
            f"segmentation/upernet_{family}-nano_1xb8-240i_demo.py",
            f"classification/cls_{family}-nano_1xb32-250i_demo.py",
        ],
    )
    for family, detector in (
        ("swin", "mask-rcnn-fpn"),
        ("vit", "mask-rcnn-vitdet"),
        ("resnet", "mask-rcnn-fpn"),
    )
]
inits = ["random", "supervised", "simmim"]
pretraining_seeds = 2
notes = [
    "differences at this size are not evidence",
    "the error over images ignores how few photographs lie behind them (5 in the reported split)",
]
