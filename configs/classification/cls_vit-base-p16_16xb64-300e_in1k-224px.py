"""ViT-B with absolute positions on ImageNet-1K with labels, from random weights: DeiT's 300 epochs at 224 pixels.

Source: https://arxiv.org/abs/2012.12877; facebookresearch/deit, README_deit.md and main.py.
Expected: top-1 81.8 (facebookresearch/deit, README_deit.md), with the departures below.
Cost: 16 GPUs; 384 million images at 17.6 GMAC forward. Hours were not published.
Command: simmim-eval transfer classification/cls_vit-base-p16_16xb64-300e_in1k-224px.py \\
    --init from_scratch --data-root data/imagenet

Departures: no repeated augmentation (three views of an image in a batch), since a run's order of samples is fixed by
their count; the mean of the patches is normed and classified, DeiT takes the class token. The supervised twin of MAE's
rows: its own long recipe, so another budget than theirs.
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
    head_std=0.02,
)
train_dataloader = dict(batch_size=64)  # x 16 GPUs
auto_scale_lr = dict(enable=False, base_batch_size=1024)

# 1,281,167 images // 1024 = 1,251; x 300 = 375,300 steps.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(lr=1e-3),  # 5e-4 x 1024 / 512
)
param_scheduler = [  # first 1e-6 and last 1e-5, not scaled
    dict(type="LinearLR", start_factor=1e-6 / 1e-3, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-5, begin=0, end=300, convert_to_iter_based=True),
]

sources = dict(
    optimizer="facebookresearch/deit, main.py: AdamW, eps 1e-8",
    lr="facebookresearch/deit, main.py: 5e-4 for a batch of 512",
    batch_size="facebookresearch/deit, README_deit.md: 2 nodes x 8 GPUs, main.py: 64",
    schedule=(
        "facebookresearch/deit, main.py: 300 epochs, cosine counted from the start; a rate for each epoch "
        "there, for each step here"
    ),
    warmup="facebookresearch/deit, main.py: 5 epochs",
    weight_decay="facebookresearch/deit, main.py",
    layer_decay="facebookresearch/deit: none",
    drop_path="facebookresearch/deit, main.py",
    grad_clip="facebookresearch/deit, main.py: none",
    augmentation="facebookresearch/deit, main.py; without its repeated augmentation, which our sampler does not have",
    resolution="facebookresearch/deit, main.py",
    precision="facebookresearch/deit, engine.py: torch's autocast in float16",
    test="facebookresearch/deit, datasets.py",
)
