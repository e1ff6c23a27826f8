"""Supervised pre-training of a nano Swin on the demo's base classes: the rival of SimMIM at equal images.

Source: ours; the optimiser, crops and length of simmim_swin-nano_1xb32-900i_demo.py, with labels.
Cost: about 75 s on one core.
Command: simmim-eval pretrain pretrain/supervised_swin-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["../_base_/schedules/demo.py"]

default_scope = "mmengine"
task = "classification"
method = "supervised"
labels_used = True
overlap = "none"
title = "Swin-nano"
seconds = 75  # on one core
data = "demo"
data_root = "data/demo/"
data_parts = ["imagenet_base"]
resolution = 48

model = dict(
    type="simmim_eval.ImageClassifier",
    num_classes=5,
    data_preprocessor=dict(
        type="simmim_eval.ClassificationPreprocessor",
        num_classes=5,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        label_smoothing=0.1,
    ),
    backbone=dict(type="simmim_eval.Swin", arch="nano", img_size=48, out_indices=(2,)),
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
            dict(type="simmim_eval.TimmTransform", size=48, is_training=True, scale=(0.67, 1.0), color_jitter=0.2),
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
            dict(type="simmim_eval.TimmTransform", size=48, is_training=False, crop_pct=48 / 56),
        ],
    ),
)
test_evaluator = dict(type="simmim_eval.Accuracy")
splits = dict(val=dict(dataloader=dict(dataset=dict(split="val"))))

max_iters = 900
optim_wrapper = dict(paramwise_cfg=dict(layer_decay=1.0), optimizer=dict(lr=1.5e-3))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=90),
    dict(type="CosineAnnealingLR", eta_min_ratio=0.01, by_epoch=False, begin=90, end=max_iters),
]
