"""SimMIM pre-training of a nano Swin on the demo's base classes, without labels.

Source: the method is that of https://arxiv.org/abs/2111.09886; sizes and rates are ours, for a minute on one core.
Cost: about 90 s on one core.
Command: simmim-eval pretrain pretrain/simmim_swin-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["../_base_/schedules/demo.py"]

default_scope = "mmengine"
task = "pretraining"
method = "simmim"
labels_used = False
overlap = "none"
title = "Swin-nano"
seconds = 90  # on one core
data = "demo"
data_root = "data/demo/"
data_parts = ["imagenet_base"]
resolution = 48

model = dict(
    type="simmim_eval.SimMIM",
    data_preprocessor=dict(
        type="mmengine.ImgDataPreprocessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
    ),
    backbone=dict(type="simmim_eval.Swin", arch="nano", img_size=48, out_indices=(2,), use_mask_token=True),
    mask_patch_size=8,
)
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root=data_root + "imagenet_base",
        split="train",
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.PretrainTransform",
                img_size=48,
                mask_patch_size=8,
                mask_ratio=0.6,  # 22 of 36 units
                crop_scale=(0.67, 1.0),
                brightness=0.2,
            ),
        ],
    ),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root=data_root + "imagenet_base",
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="simmim_eval.PretrainEvalTransform", img_size=48, mask_patch_size=8, mask_ratio=0.6),
        ],
    ),
)
test_evaluator = dict(type="simmim_eval.HiddenPixelL1")
splits = dict(val=dict(dataloader=dict(dataset=dict(split="val"))))

max_iters = 900  # x 32 = 28,800 images
optim_wrapper = dict(paramwise_cfg=dict(layer_decay=1.0), optimizer=dict(lr=1.5e-3))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=90),
    dict(type="CosineAnnealingLR", eta_min_ratio=0.01, by_epoch=False, begin=90, end=max_iters),
]
