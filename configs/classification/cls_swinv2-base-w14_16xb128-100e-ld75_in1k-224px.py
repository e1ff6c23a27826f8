"""Fine-tuning SwinV2-B with window 14 on ImageNet-1K at 224 pixels, as SimMIM does after 800 epochs with window 12.

Source: https://arxiv.org/abs/2111.09886, https://arxiv.org/abs/2111.09883; microsoft/Swin-Transformer,
configs/simmim/simmim_finetune__swinv2_base__img224_window14__800ep.yaml.
Expected: not published; MODELHUB.md of microsoft/Swin-Transformer has 85.04 for SwinV2-B after 500,000 steps of
pre-training, from a study with its own settings (https://arxiv.org/abs/2206.04664).
Cost: 16 GPUs; 128 million images at 16.3 GMAC forward. Hours were not published.
Command: simmim-eval transfer classification/cls_swinv2-base-w14_16xb128-100e-ld75_in1k-224px.py \\
    --init simmim=CHECKPOINT --data-root data/imagenet

The cosine begins after warm-up (WARMUP_PREFIX of that repository). As published, the least rate is the same 1e-6 for
every layer; the first one is a share of each layer's own rate, there it is 1e-6 too.
"""

_base_ = ["../_base_/classification/imagenet.py"]

title = "SwinV2-B"
model = dict(
    backbone=dict(
        type="simmim_eval.SwinV2",
        arch="base",
        img_size=224,
        window_size=14,
        pretrained_window_sizes=(12, 12, 12, 6),
        out_indices=(3,),
        drop_path_rate=0.1,
    ),
)
train_dataloader = dict(batch_size=128)  # x 16 GPUs
auto_scale_lr = dict(enable=False, base_batch_size=2048)

# 1,281,167 images // 2048 = 625; x 100 = 62,500 steps. Rates are published for a batch of 512.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=0.75),
    optimizer=dict(lr=5e-3),  # 1.25e-3 x 2048 / 512
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [  # 2.5e-7 x 2048 / 512 = 1e-6, first and last
    dict(type="LinearLR", start_factor=1e-6 / 5e-3, begin=0, end=20, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=20, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="microsoft/Swin-Transformer, config.py and optimizer.py: AdamW (0.9, 0.999), eps 1e-8",
    lr="microsoft/Swin-Transformer, configs/simmim: 1.25e-3 for a batch of 512",
    batch_size="microsoft/SimMIM, README: 16 GPUs x 128",
    schedule="microsoft/Swin-Transformer, config.py: WARMUP_PREFIX, cosine after warm-up",
    warmup="microsoft/Swin-Transformer, configs/simmim: 20 epochs",
    weight_decay="microsoft/Swin-Transformer, configs/simmim",
    layer_decay="microsoft/Swin-Transformer, configs/simmim",
    drop_path="microsoft/Swin-Transformer, configs/simmim",
    grad_clip="microsoft/Swin-Transformer, config.py",
    augmentation="microsoft/Swin-Transformer, data/data_simmim_ft.py and config.py",
    resolution="microsoft/Swin-Transformer, configs/simmim",
    precision="microsoft/Swin-Transformer, config.py: torch's autocast in float16",
    test="microsoft/Swin-Transformer, data/data_simmim_ft.py",
)
