"""Fine-tuning Swin-B with window 6 on ImageNet-1K at 192 pixels, as SimMIM does after 100 epochs of pre-training.

Source: https://arxiv.org/abs/2111.09886; microsoft/SimMIM,
configs/swin_base__100ep/simmim_finetune__swin_base__img192_window6__100ep.yaml.
Expected: top-1 82.8 from the official weights of 100 epochs (microsoft/SimMIM, README).
Cost: 16 GPUs; 128 million images at 11.3 GMAC forward. Hours were not published.
Command: simmim-eval transfer classification/cls_swin-base-w6_16xb128-100e-ld90_in1k-192px.py \\
    --init simmim=CHECKPOINT --data-root data/imagenet

The cosine counts from the start of training, as published, not from the end of warm-up. mmengine multiplies the two: in
warm-up the rate lies up to 9.5 % below the published one, which drops by as much at its end; from then on they agree.
As published, the least rate is the same 1e-6 for every layer; the first one is a share of each layer's own rate, there
it is 1e-6 too.
"""

_base_ = ["../_base_/classification/imagenet.py"]

title = "Swin-B"
resolution = 192
model = dict(
    backbone=dict(
        type="simmim_eval.Swin",
        arch="base",
        img_size=192,
        window_size=6,
        out_indices=(3,),
        drop_path_rate=0.1,
    ),
)
train_dataloader = dict(
    batch_size=128,  # x 16 GPUs
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.TimmTransform",
                size=resolution,
                is_training=True,
                auto_augment="rand-m9-mstd0.5-inc1",
                interpolation="bicubic",
            ),
        ]
    ),
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.TimmTransform",
                size=resolution,
                is_training=False,
                crop_pct=224 / 256,  # 219 pixels
                interpolation="bicubic",
            ),
        ]
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=2048)

# 1,281,167 images // 2048 = 625; x 100 = 62,500 steps. Rates are published for a batch of 512.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=0.9),
    optimizer=dict(lr=5e-3),  # 1.25e-3 x 2048 / 512
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [  # 2.5e-7 x 2048 / 512 = 1e-6, first and last
    dict(type="LinearLR", start_factor=1e-6 / 5e-3, begin=0, end=20, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=0, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="microsoft/SimMIM, config.py and optimizer.py: AdamW (0.9, 0.999), eps 1e-8",
    lr="microsoft/SimMIM, configs/swin_base__100ep: 1.25e-3 for a batch of 512",
    batch_size="microsoft/SimMIM, README: 16 GPUs x 128",
    schedule=(
        "microsoft/SimMIM, configs/swin_base__100ep and lr_scheduler.py: cosine counted from the start of training"
    ),
    warmup="microsoft/SimMIM, configs/swin_base__100ep: 20 epochs",
    weight_decay="microsoft/SimMIM, configs/swin_base__100ep",
    layer_decay="microsoft/SimMIM, configs/swin_base__100ep",
    drop_path="microsoft/SimMIM, configs/swin_base__100ep",
    grad_clip="microsoft/SimMIM, config.py",
    augmentation="microsoft/SimMIM, data/data_finetune.py and config.py",
    resolution="microsoft/SimMIM, configs/swin_base__100ep",
    precision="microsoft/SimMIM, config.py: apex O1; here torch's autocast in float16",
    test="microsoft/SimMIM, data/data_finetune.py",
)
