"""Fine-tuning ViT-B with absolute positions on ImageNet-1K at 224 pixels, as MAE does.

Source: https://arxiv.org/abs/2111.06377; facebookresearch/mae, FINETUNE.md. Its paper has other numbers (layer decay
0.75, rate 1e-3 for 256); those of the code gave the results below.
Expected: top-1 83.57 ± 0.08 over 4 seeds from MAE's weights of 1,600 epochs (facebookresearch/mae, FINETUNE.md).
Cost: 7 h on 32 V100 (FINETUNE.md); 128 million images at 17.6 GMAC forward.
Command: simmim-eval transfer classification/cls_vit-base-p16_32xb32-100e_in1k-224px.py \\
    --init other_ssl=CHECKPOINT --data-root data/imagenet

The cosine begins after warm-up; all rates are shares of each layer's own, as published. Positions are learned
parameters; MAE keeps the fixed sines and cosines that its files hold as a parameter too.
"""

_base_ = ["../_base_/classification/imagenet.py"]

title = "ViT-B"
model = dict(
    backbone=dict(
        type="simmim_eval.ViT",
        arch="base",
        img_size=224,
        abs_pos=True,
        final_norm=False,
        drop_path_rate=0.1,
    ),
    fc_norm=True,
    head_std=2e-5,
)
train_dataloader = dict(batch_size=32)  # x 32 GPUs
auto_scale_lr = dict(enable=False, base_batch_size=1024)

# 1,281,167 images // 1024 = 1,251; x 100 = 125,100 steps.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=0.65),
    optimizer=dict(lr=2e-3),  # 5e-4 x 1024 / 256
)
param_scheduler = [  # from 0 there, from a millionth of the rate here
    dict(type="LinearLR", start_factor=1e-6, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min_ratio=1e-6 / 2e-3, begin=5, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="facebookresearch/mae, main_finetune.py: AdamW",
    lr="facebookresearch/mae, FINETUNE.md: 5e-4 for a batch of 256",
    batch_size="facebookresearch/mae, FINETUNE.md: 4 nodes x 8 GPUs x 32",
    schedule="facebookresearch/mae, util/lr_sched.py: cosine after warm-up to 1e-6",
    warmup="facebookresearch/mae, main_finetune.py: 5 epochs from 0",
    weight_decay="facebookresearch/mae, FINETUNE.md",
    layer_decay="facebookresearch/mae, FINETUNE.md",
    drop_path="facebookresearch/mae, FINETUNE.md",
    grad_clip="facebookresearch/mae, main_finetune.py: none",
    augmentation="facebookresearch/mae, FINETUNE.md and main_finetune.py",
    resolution="facebookresearch/mae, main_finetune.py",
    precision="facebookresearch/mae, FINETUNE.md: torch's autocast in float16",
    test="facebookresearch/mae, util/datasets.py",
)
