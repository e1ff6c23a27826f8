"""A 3D head on SlowOnly ResNet-50, on Kinetics-400: 150 epochs of clips of 8 frames, every eighth one.

Source: https://arxiv.org/abs/1812.03982; mmaction2 1.2,
configs/recognition/slowonly/slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e_kinetics400-rgb.py.
Expected: mmaction2 has top-1 75.96 from supervised weights; 74.82 from random ones after 256 epochs.
Cost: 8 GPUs; 36 million clips at 55 GMAC forward.
Command: simmim-eval transfer recognition/i3d-head_slowonly-resnet50_8xb16-8x8x1-150e_k400.py \\
    --init simmim=CHECKPOINT --data-root data/kinetics400

The steps are written as in mmaction2, 90 and 130, and mmengine counts them from the end of warm-up: the rate falls at
epochs 100 and 140, there and here. Inflated filters have the image's in the middle and zeros around it, not a third of
it in each place. Layers do not decay, as published.
"""

_base_ = ["mmaction::_base_/models/slowonly_r50.py", "../_base_/recognition/kinetics400.py"]

title = "ResNet-50"
resolution = (8, 224, 224)  # frames, height, width
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNetSlowOnly", depth=50),
)
train_dataloader = dict(
    batch_size=16,  # x 8 GPUs
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=8, frame_interval=8, num_clips=1),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 256)),
            dict(type="RandomResizedCrop"),
            dict(type="Resize", scale=(224, 224), keep_ratio=False),
            dict(type="Flip", flip_ratio=0.5),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=8, frame_interval=8, num_clips=10, test_mode=True),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 256)),
            dict(type="ThreeCrop", crop_size=256),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=128)

# 240,436 videos of mmaction2's copy / 128 = 1,879; x 150 = 281,850 steps.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=150)
optim_wrapper = dict(
    type="OptimWrapper",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=10),
    dict(type="MultiStepLR", by_epoch=True, begin=10, end=150, milestones=[90, 130], gamma=0.1),
]

sources = dict(
    optimizer="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    lr="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    batch_size="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    schedule="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    warmup="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    weight_decay=(
        "mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e; norms and biases exempt "
        "here, not there"
    ),
    layer_decay="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e: none",
    drop_path="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e: none",
    grad_clip="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    augmentation="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    resolution="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e",
    precision="mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e: float32",
    test=(
        "mmaction2 1.2, slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e: 10 clips x 3 crops of 256 "
        "pixels, mean of probabilities"
    ),
)
