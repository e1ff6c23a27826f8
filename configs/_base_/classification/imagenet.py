"""What the full-size ImageNet-1K recipes share: the data, timm's strong augmentation, AdamW in mixed precision.

The augmentation is DeiT's (https://arxiv.org/abs/2012.12877), which Swin, BEiT, MAE and SimMIM took over unchanged:
RandAugment, mixup or CutMix, smoothed labels, random erasing. Test: shorter side to int(256 / 224 x size) by bicubic
interpolation, then the central square.
"""

default_scope = "mmengine"
task = "classification"
data = "in1k"
data_root = "data/imagenet/"
data_parts = ["train", "val"]
resolution = 224

model = dict(
    type="simmim_eval.ImageClassifier",
    num_classes=1000,
    data_preprocessor=dict(
        type="simmim_eval.ClassificationPreprocessor",
        num_classes=1000,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        label_smoothing=0.1,
        mixup=dict(mixup_alpha=0.8, cutmix_alpha=1.0, prob=1.0, switch_prob=0.5, mode="batch"),
        erase_prob=0.25,
    ),
)
train_dataloader = dict(
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root=data_root,
        split="train",
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.TimmTransform",
                size=resolution,
                is_training=True,
                auto_augment="rand-m9-mstd0.5-inc1",
                interpolation="bicubic",
            ),
        ],
    ),
)
test_dataloader = dict(
    batch_size=128,
    num_workers=8,
    pin_memory=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root=data_root,
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.TimmTransform",
                size=resolution,
                is_training=False,
                crop_pct=224 / 256,
                interpolation="bicubic",
            ),
        ],
    ),
)
test_evaluator = dict(type="simmim_eval.Accuracy")
test_cfg = dict(type="TestLoop")
splits = dict(val=dict(dataloader=dict(dataset=dict(split="val"))))

optim_wrapper = dict(
    type="AmpOptimWrapper",
    dtype="float16",
    loss_scale="dynamic",
    constructor="simmim_eval.LayerDecayConstructor",
    optimizer=dict(type="AdamW", betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),
)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=50),
    checkpoint=dict(type="CheckpointHook", interval=5, max_keep_ckpts=1),
)
env_cfg = dict(cudnn_benchmark=True)
