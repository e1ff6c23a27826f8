"""UPerNet on a nano Swin, for the demo.

Source: ours; mmseg's UPerNet with narrow heads, batch norm in place of its synchronised form.
Expected: some points of mIoU above the floor; differences between initialisations at this size are not evidence.
Cost: about 80 s on one core.
Command: simmim-eval transfer segmentation/upernet_swin-nano_1xb8-240i_demo.py --init random --data-root data/demo
"""

_base_ = ["mmseg::_base_/models/upernet_swin.py", "../_base_/schedules/demo.py"]

default_scope = "mmseg"
task = "segmentation"
title = "Swin-nano"
seconds = 80  # on one core
data = "demo"
data_root = "data/demo/"
data_parts = ["ade"]
resolution = 96

norm_cfg = dict(type="BN", requires_grad=True)
classes = ("background", "top", "trouser", "dress", "shoe", "bag")
num_classes = len(classes)
crop_size = (96, 96)
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="nano", out_indices=(0, 1, 2)),
    decode_head=dict(
        in_channels=[32, 64, 128],
        in_index=[0, 1, 2],
        pool_scales=(1, 2, 3),
        channels=32,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
    ),
    auxiliary_head=dict(in_channels=128, in_index=2, channels=32, num_classes=num_classes, norm_cfg=norm_cfg),
)

dataset = dict(type="simmim_eval.ADE20K", metainfo=dict(classes=classes))
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        data_prefix=dict(
            img_path=data_root + "ade/images/training", seg_map_path=data_root + "ade/annotations/training"
        ),
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="simmim_eval.LoadLabelMap"),
            dict(type="RandomCrop", crop_size=crop_size),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackSegInputs"),
        ],
        **dataset,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="simmim_eval.LoadLabelMap"),
            dict(type="PackSegInputs"),
        ],
        **dataset,
    ),
)
test_evaluator = dict(type="simmim_eval.MeanIoU")
splits = {
    split: dict(
        dataloader=dict(
            dataset=dict(
                data_prefix=dict(
                    img_path=data_root + f"ade/images/{folder}", seg_map_path=data_root + f"ade/annotations/{folder}"
                )
            )
        )
    )
    for split, folder in (("val", "validation"), ("tune", "tuning"))
}

max_iters = 240
optim_wrapper = dict(optimizer=dict(lr=3e-3))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=24),
    dict(type="PolyLR", power=1.0, eta_min=0.0, by_epoch=False, begin=24, end=max_iters),
]
