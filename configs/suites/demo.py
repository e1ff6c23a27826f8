"""The demo: SimMIM, supervised and random initialisation of a nano Swin on four small tasks.

Source: ours; the pictures are garments of Fashion-MNIST over photographs, the third design that was tried.
Expected: one table. Differences at this size are not evidence.
Cost: about 10 minutes on two cores.
Command: simmim-eval suite run suites/demo.py --data-root data/demo --work-dir work_dirs/demo
"""

title = "Demo suite"
arms = [
    dict(
        pretraining=dict(
            simmim=dict(recipe="pretrain/simmim_swin-nano_1xb32-900i_demo.py"),
            supervised=dict(recipe="pretrain/supervised_swin-nano_1xb32-900i_demo.py"),
        ),
        transfer=[
            "detection/mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py",
            "recognition/i3d-head_swin-nano_1xb16-300i_demo.py",
            "segmentation/upernet_swin-nano_1xb8-240i_demo.py",
            "classification/cls_swin-nano_1xb32-250i_demo.py",
        ],
    )
]
inits = ["random", "supervised", "simmim"]
notes = [
    "differences at this size are not evidence",
    "the error over images ignores how few photographs lie behind them (5 in the reported split)",
]
