"""A 3D head on a nano SwinVideo, for the demo: eight motions that no single frame tells apart.

Source: ours; mmaction2's recogniser and I3D head. The test set is played forward, with one frame repeated, and
backwards: a model that reads the order of frames is at chance on the second and names the opposite class on the third.
Expected: above 50 % (chance 12.5); differences between initialisations at this size are not evidence.
Cost: about 120 s on one core.
Command: simmim-eval transfer recognition/i3d-head_swin-nano_1xb16-300i_demo.py --init random --data-root data/demo
"""

_base_ = ["mmaction::_base_/models/swin_tiny.py", "../_base_/schedules/demo.py"]

default_scope = "mmaction"
task = "recognition"
title = "Swin-nano"
seconds = 120  # on one core
data = "demo"
data_root = "data/demo/"
data_parts = ["kinetics"]
resolution = (8, 48, 48)  # frames, height, width

opposite = dict(
    left="right",
    right="left",
    up="down",
    down="up",
    grow="shrink",
    shrink="grow",
    clockwise="counter-clockwise",
)
opposite["counter-clockwise"] = "clockwise"
metainfo = dict(classes=tuple(opposite))
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.SwinVideo", arch="nano", window_size_t=4, keep_motion_filters=True),
    cls_head=dict(in_channels=128, num_classes=len(opposite), dropout_ratio=0.0),
)

train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type="simmim_eval.Kinetics",
        metainfo=metainfo,
        ann_file=data_root + "kinetics/kinetics400_train_list_videos.txt",
        data_prefix=dict(video=data_root + "kinetics/train"),
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="simmim_eval.PlayClip", play="forward"),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs"),
        ],
    ),
)
plays = [
    dict(
        type="simmim_eval.Kinetics",
        metainfo=metainfo,
        test_mode=True,
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="simmim_eval.PlayClip", play=play),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs", meta_keys=("play",)),
        ],
    )
    for play in ("forward", "still", "reversed")
]
views = 3
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="ConcatDataset", datasets=plays),
)
test_evaluator = dict(type="simmim_eval.OrderAccuracy", opposite=opposite)
splits = {
    split: dict(
        dataloader=dict(
            dataset=dict(
                datasets=[
                    dict(
                        ann_file=data_root + f"kinetics/kinetics400_{split}_list_videos.txt",
                        data_prefix=dict(video=data_root + f"kinetics/{split}"),
                        **play,
                    )
                    for play in plays
                ]
            )
        )
    )
    for split in ("val", "tune")
}

max_iters = 300
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type="CosineAnnealingLR", eta_min_ratio=0.01, by_epoch=False, begin=30, end=max_iters),
]
