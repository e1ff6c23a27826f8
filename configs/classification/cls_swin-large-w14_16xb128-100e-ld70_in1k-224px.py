"""Fine-tuning Swin-L with window 14 on ImageNet-1K at 224 pixels, as SimMIM does after 800 epochs of pre-training.

Source: https://arxiv.org/abs/2111.09886; microsoft/SimMIM,
configs/swin_large__800ep/simmim_finetune__swin_large__img224_window14__800ep.yaml.
Expected: top-1 85.4 from the official weights of 800 epochs (microsoft/SimMIM, README).
Cost: 16 GPUs; 128 million images at 35.8 GMAC forward. Hours were not published.
Command: simmim-eval transfer classification/cls_swin-large-w14_16xb128-100e-ld70_in1k-224px.py \\
    --init simmim=CHECKPOINT --data-root data/imagenet

The cosine counts from the start of training, as published, not from the end of warm-up. mmengine multiplies the two: in
warm-up the rate lies up to 9.5 % below the published one, which drops by as much at its end; from then on they agree.
As published, the least rate is the same 1e-6 for every layer; the first one is a share of each layer's own rate, there
it is 1e-6 too. The stem's largest rate, 0.7^25 x 5e-3 = 6.7e-7, lies below it: there, as published, the rate rises at
the end.
"""

_base_ = ["../_base_/classification/imagenet.py"]

title = "Swin-L"
model = dict(
    backbone=dict(
        type="simmim_eval.Swin",
        arch="large",
        img_size=224,
        window_size=14,
        out_indices=(3,),
        drop_path_rate=0.2,
    ),
)
train_dataloader = dict(batch_size=128)  # x 16 GPUs
auto_scale_lr = dict(enable=False, base_batch_size=2048)

# 1,281,167 images // 2048 = 625; x 100 = 62,500 steps. Rates are published for a batch of 512.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=0.7),
    optimizer=dict(lr=5e-3),  # 1.25e-3 x 2048 / 512
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [  # 2.5e-7 x 2048 / 512 = 1e-6, first and last
    dict(type="LinearLR", start_factor=1e-6 / 5e-3, begin=0, end=20, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=0, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="microsoft/SimMIM, config.py and optimizer.py: AdamW (0.9, 0.999), eps 1e-8",
    lr="microsoft/SimMIM, configs/swin_large__800ep: 1.25e-3 for a batch of 512",
    batch_size="microsoft/SimMIM, README: 16 GPUs x 128",
    schedule=(
        "microsoft/SimMIM, configs/swin_large__800ep and lr_scheduler.py: cosine counted from the start of training"
    ),
    warmup="microsoft/SimMIM, configs/swin_large__800ep: 20 epochs",
    weight_decay="microsoft/SimMIM, configs/swin_large__800ep",
    layer_decay="microsoft/SimMIM, configs/swin_large__800ep",
    drop_path="microsoft/SimMIM, configs/swin_large__800ep",
    grad_clip="microsoft/SimMIM, config.py",
    augmentation="microsoft/SimMIM, data/data_finetune.py and config.py",
    resolution="microsoft/SimMIM, configs/swin_large__800ep",
    precision="microsoft/SimMIM, config.py: apex O1; here torch's autocast in float16",
    test="microsoft/SimMIM, data/data_finetune.py",
)
