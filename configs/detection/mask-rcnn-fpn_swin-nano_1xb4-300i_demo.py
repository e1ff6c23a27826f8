"""Mask R-CNN with FPN on a nano Swin, for the demo.

Source: ours; mmdet's Mask R-CNN with narrow heads and few regions (a stock step takes 28 s on two cores).
Expected: a few points of box AP; differences between initialisations at this size are not evidence.
Cost: about 90 s on one core.
Command: simmim-eval transfer detection/mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py --init random --data-root data/demo
"""

_base_ = ["mmdet::_base_/models/mask-rcnn_r50_fpn.py", "../_base_/schedules/demo.py"]

default_scope = "mmdet"
task = "detection"
title = "Swin-nano"
seconds = 90  # on one core
data = "demo"
data_root = "data/demo/"
data_parts = ["coco"]
resolution = 128

num_classes = 5
width = 32
roi = dict(
    type="SingleRoIExtractor",
    out_channels=width,
    featmap_strides=[4, 8, 16],
)
model = dict(
    data_preprocessor=dict(pad_size_divisor=16),
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="nano", out_indices=(0, 1, 2)),
    neck=dict(in_channels=[32, 64, 128], out_channels=width, num_outs=3),
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        anchor_generator=dict(scales=[5], strides=[4, 8, 16]),  # sides 20, 40, 80 of 128 pixels
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(_delete_=True, roi_layer=dict(type="RoIAlign", output_size=7, sampling_ratio=2), **roi),
        bbox_head=dict(in_channels=width, fc_out_channels=128, num_classes=num_classes),
        mask_roi_extractor=dict(
            _delete_=True, roi_layer=dict(type="RoIAlign", output_size=14, sampling_ratio=2), **roi
        ),
        mask_head=dict(num_convs=1, in_channels=width, conv_out_channels=width, num_classes=num_classes),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=50), rcnn=dict(max_per_img=20)),
)

train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type="simmim_eval.Coco",
        ann_file=data_root + "coco/annotations/instances_train2017.json",
        data_prefix=dict(img=data_root + "coco/train2017/"),
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="simmim_eval.Coco",
        test_mode=True,
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="Resize", scale=(resolution, resolution), keep_ratio=True),
            dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
        ],
    ),
)
test_evaluator = dict(type="simmim_eval.CocoAP")
splits = {
    split: dict(
        dataloader=dict(
            dataset=dict(
                ann_file=data_root + f"coco/annotations/instances_{split}2017.json",
                data_prefix=dict(img=data_root + f"coco/{split}2017/"),
            )
        ),
        evaluator=dict(ann_file=data_root + f"coco/annotations/instances_{split}2017.json"),
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
