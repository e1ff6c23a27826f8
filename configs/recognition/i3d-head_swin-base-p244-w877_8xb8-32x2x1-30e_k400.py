"""A 3D head on Swin-B over clips, on Kinetics-400: 30 epochs of clips of 32 frames, every second one.

Source: https://arxiv.org/abs/2106.13230; mmaction2 1.2,
configs/recognition/swin/swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py.
Expected: ours; mmaction2 has top-1 80.57 from supervised weights without layer decay.
Cost: 8 GPUs; 7.2 million clips at 282 GMAC forward.
Command: simmim-eval transfer recognition/i3d-head_swin-base-p244-w877_8xb8-32x2x1-30e_k400.py \\
    --init simmim=CHECKPOINT --data-root data/kinetics400

mmaction2 gives the whole backbone a tenth of the head's rate. Here layers decay instead, by 0.83: 0.83^12.5 = 0.097 at
the middle of its 24 blocks, so that the scale averages a tenth over the layers (geometrically). Head, rate and all else
are mmaction2's.
"""

_base_ = ["mmaction::_base_/models/swin_tiny.py", "../_base_/recognition/kinetics400.py"]

title = "Swin-B"
resolution = (32, 224, 224)  # frames, height, width
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.SwinVideo",
        arch="base",
        patch_size_t=2,
        window_size=7,
        window_size_t=8,
        drop_path_rate=0.3,
    ),
    cls_head=dict(in_channels=1024),
)
train_dataloader = dict(
    batch_size=8,  # x 8 GPUs
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=32, frame_interval=2, num_clips=1),
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
            dict(type="SampleFrames", clip_len=32, frame_interval=2, num_clips=4, test_mode=True),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 224)),
            dict(type="ThreeCrop", crop_size=224),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=64)

# 240,436 videos of mmaction2's copy / 64 = 3,757; x 30 = 112,710 steps.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=30)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    dtype="float16",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=0.83),
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
)
param_scheduler = [  # both from the start, so that they multiply, as published
    dict(type="LinearLR", start_factor=0.1, begin=0, end=2.5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", T_max=30, eta_min=0, by_epoch=True, begin=0, end=30),
]

sources = dict(
    optimizer="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    lr="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e, that of its head",
    batch_size="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    schedule="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    warmup="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    weight_decay="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e; biases exempt here, not there",
    layer_decay="ours: 0.83 in the place of a tenth for the whole backbone",
    drop_path="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    grad_clip="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e: none",
    augmentation="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    resolution="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    precision="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e",
    test="mmaction2 1.2, swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e: 4 clips x 3 crops, mean of probabilities",
)
