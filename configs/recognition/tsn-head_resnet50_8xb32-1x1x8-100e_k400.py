"""TSN on ResNet-50, on Kinetics-400: 100 epochs of 8 single frames a video. No 3D backbone and no inflation.

Source: https://arxiv.org/abs/1608.00859; mmaction2 1.2,
configs/recognition/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb.py.
Expected: mmaction2 has top-1 74.12 from supervised weights.
Cost: 8 GPUs; 24 million videos of 8 frames at 4.1 GMAC a frame forward.
Command: simmim-eval transfer recognition/tsn-head_resnet50_8xb32-1x1x8-100e_k400.py \\
    --init simmim=CHECKPOINT --data-root data/kinetics400

The cheapest video recipe that any backbone for images can take: replace the backbone inside simmim_eval.Frames and
cls_head.in_channels. Layers do not decay, as published.
"""

_base_ = ["mmaction::_base_/models/tsn_r50.py", "../_base_/recognition/kinetics400.py"]

title = "ResNet-50"
resolution = (8, 224, 224)  # frames, height, width
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.Frames",
        backbone=dict(type="simmim_eval.ResNet", depth=50, out_indices=(3,)),
    ),
)
train_dataloader = dict(
    batch_size=32,  # x 8 GPUs
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=1, frame_interval=1, num_clips=8),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 256)),
            dict(
                type="MultiScaleCrop",
                input_size=224,
                scales=(1, 0.875, 0.75, 0.66),
                random_crop=False,
                max_wh_scale_gap=1,
            ),
            dict(type="Resize", scale=(224, 224), keep_ratio=False),
            dict(type="Flip", flip_ratio=0.5),
            dict(type="FormatShape", input_format="NCHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=1, frame_interval=1, num_clips=25, test_mode=True),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 256)),
            dict(type="TenCrop", crop_size=224),
            dict(type="FormatShape", input_format="NCHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=256)

# 240,436 videos of mmaction2's copy / 256 = 940; x 100 = 94,000 steps.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(
    type="OptimWrapper",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, begin=0, end=100, milestones=[40, 80], gamma=0.1)]

sources = dict(
    optimizer="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    lr="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    batch_size="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    schedule="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    warmup="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e: none",
    weight_decay="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e; norms and biases exempt here, not there",
    layer_decay="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e: none",
    drop_path="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e: none",
    grad_clip="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    augmentation="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    resolution="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e",
    precision="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e: float32",
    test="mmaction2 1.2, tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e: 25 frames x 10 crops, mean of features",
)
