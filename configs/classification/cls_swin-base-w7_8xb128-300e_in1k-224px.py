"""Swin-B with window 7 on ImageNet-1K with labels, from random weights: 300 epochs at 224 pixels.

Source: https://arxiv.org/abs/2103.14030; microsoft/Swin-Transformer, configs/swin/swin_base_patch4_window7_224.yaml.
Expected: top-1 83.5 (microsoft/Swin-Transformer, README).
Cost: 8 GPUs; 384 million images at 15.4 GMAC forward. Hours were not published.
Command: simmim-eval transfer classification/cls_swin-base-w7_8xb128-300e_in1k-224px.py \\
    --init from_scratch --data-root data/imagenet

The supervised twin of SimMIM's rows: its own long recipe, so another budget than theirs. The cosine begins after
warm-up.
"""

_base_ = ["../_base_/classification/imagenet.py"]

title = "Swin-B"
model = dict(
    backbone=dict(
        type="simmim_eval.Swin",
        arch="base",
        img_size=224,
        window_size=7,
        out_indices=(3,),
        drop_path_rate=0.5,
    ),
)
train_dataloader = dict(batch_size=128)  # x 8 GPUs
auto_scale_lr = dict(enable=False, base_batch_size=1024)

# 1,281,167 images // 1024 = 1,251; x 300 = 375,300 steps. Rates are published for a batch of 512.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(lr=1e-3),  # 5e-4 x 1024 / 512
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [  # first 5e-7 x 1024 / 512 = 1e-6, last 5e-6 x 1024 / 512 = 1e-5
    dict(type="LinearLR", start_factor=1e-6 / 1e-3, begin=0, end=20, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-5, begin=20, end=300, convert_to_iter_based=True),
]

sources = dict(
    optimizer="microsoft/Swin-Transformer, config.py: AdamW (0.9, 0.999), eps 1e-8",
    lr="microsoft/Swin-Transformer, config.py: 5e-4 for a batch of 512",
    batch_size="microsoft/Swin-Transformer, get_started.md: 8 GPUs x 128",
    schedule="microsoft/Swin-Transformer, config.py: 300 epochs, WARMUP_PREFIX",
    warmup="microsoft/Swin-Transformer, config.py: 20 epochs",
    weight_decay="microsoft/Swin-Transformer, config.py",
    layer_decay="microsoft/Swin-Transformer: none",
    drop_path="microsoft/Swin-Transformer, configs/swin/swin_base_patch4_window7_224.yaml",
    grad_clip="microsoft/Swin-Transformer, config.py",
    augmentation="microsoft/Swin-Transformer, data/build.py and config.py",
    resolution="microsoft/Swin-Transformer, config.py",
    precision="microsoft/Swin-Transformer, config.py: torch's autocast in float16",
    test="microsoft/Swin-Transformer, data/build.py",
)
