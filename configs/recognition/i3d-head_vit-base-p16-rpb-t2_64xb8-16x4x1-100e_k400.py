"""A 3D head on SimMIM's ViT-B over clips, on Kinetics-400: 100 epochs of clips of 16 frames, every fourth one.

Source: the schedule is VideoMAE's (https://arxiv.org/abs/2203.12602; MCG-NJU/VideoMAE,
scripts/kinetics/videomae_vit_base_patch16_224_tubemasking_ratio_0.9_epoch_800/finetune.sh). No fine-tuning of an image
SimMIM ViT on Kinetics-400 was published.
Expected: ours; VideoMAE has top-1 80.0 from its own pre-training on videos.
Cost: 64 GPUs; 24 million clips at 180 GMAC forward.
Command: simmim-eval transfer recognition/i3d-head_vit-base-p16-rpb-t2_64xb8-16x4x1-100e_k400.py \\
    --init simmim=CHECKPOINT --data-root data/kinetics400

Departures from VideoMAE: the backbone (relative positions repeated over time, layer scale), a norm before the pooling
and not after it, RandAugment after the crop, no random erasing (mmaction2 has none). mmaction2 mixes each batch by
mixup or CutMix, in turn of a fair coin, as VideoMAE does.
"""

_base_ = ["mmaction::_base_/models/swin_tiny.py", "../_base_/recognition/kinetics400.py"]

title = "ViT-B"
resolution = (16, 224, 224)  # frames, height, width
model = dict(
    data_preprocessor=dict(
        blending=dict(
            type="RandomBatchAugment",
            augments=[
                dict(type="MixupBlending", alpha=0.8, num_classes=400),
                dict(type="CutmixBlending", alpha=1.0, num_classes=400),
            ],
        )
    ),
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViTVideo",
        arch="base",
        img_size=224,
        num_frames=16,
        patch_size_t=2,
        rel_pos="per_block",
        init_values=0.1,
        drop_path_rate=0.1,
    ),
    cls_head=dict(in_channels=768, dropout_ratio=0.0, label_smooth_eps=0.1),
)
train_dataloader = dict(
    batch_size=8,  # x 64 GPUs
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=16, frame_interval=4, num_clips=1),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 256)),
            dict(type="RandomResizedCrop"),
            dict(type="Resize", scale=(224, 224), keep_ratio=False),
            dict(type="Flip", flip_ratio=0.5),
            dict(type="simmim_eval.RandAugmentClip", policy="rand-m7-n4-mstd0.5-inc1"),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.OpenVideo"),
            dict(type="SampleFrames", clip_len=16, frame_interval=4, num_clips=5, test_mode=True),
            dict(type="simmim_eval.DecodeVideo"),
            dict(type="Resize", scale=(-1, 224)),
            dict(type="ThreeCrop", crop_size=224),
            dict(type="FormatShape", input_format="NCTHW"),
            dict(type="PackActionInputs"),
        ]
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=512)

# 240,436 videos of mmaction2's copy / 512 = 470; x 100 = 47,000 steps.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    dtype="float16",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=0.75),
    optimizer=dict(type="AdamW", lr=2e-3, betas=(0.9, 0.999), weight_decay=0.05),  # 1e-3 x 512 / 256
)
param_scheduler = [  # first and last 1e-6 x 512 / 256, as shares of each layer's rate
    dict(type="LinearLR", start_factor=2e-6 / 2e-3, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min_ratio=2e-6 / 2e-3, begin=5, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="VideoMAE, epoch_800/finetune.sh",
    lr="VideoMAE, epoch_800/finetune.sh: 1e-3; VideoMAE, run_class_finetuning.py: for a batch of 256",
    batch_size="VideoMAE, epoch_800/finetune.sh: 64 GPUs x 8",
    schedule=(
        "VideoMAE, epoch_800/finetune.sh: 100 epochs; cosine after warm-up to 1e-6 for a batch of 256: "
        "VideoMAE, run_class_finetuning.py"
    ),
    warmup="VideoMAE, run_class_finetuning.py: 5 epochs",
    weight_decay="VideoMAE, epoch_800/finetune.sh; tables of relative positions decay, as in SimMIM",
    layer_decay="VideoMAE, run_class_finetuning.py",
    drop_path="VideoMAE, run_class_finetuning.py",
    grad_clip="VideoMAE, run_class_finetuning.py: none",
    augmentation=(
        "VideoMAE, run_class_finetuning.py: RandAugment m7 n4, mixup 0.8, CutMix 1.0, smoothing 0.1; no erasing: ours"
    ),
    resolution="VideoMAE, epoch_800/finetune.sh: 16 frames, every fourth, 224 pixels; two frames a patch",
    precision="VideoMAE, epoch_800/finetune.sh: deepspeed in float16; here torch's autocast",
    test="VideoMAE, epoch_800/finetune.sh: 5 clips x 3 crops; mean of probabilities",
)
