"""SimMIM, SwinV2-B with window 12, 800 epochs of ImageNet-1K at 192 pixels, target normalised over 47 pixels.

Source: https://arxiv.org/abs/2111.09886, https://arxiv.org/abs/2111.09883; microsoft/Swin-Transformer,
configs/simmim/simmim_pretrain__swinv2_base__img192_window12__800ep.yaml.
Expected: not published for this recipe; MODELHUB.md of microsoft/Swin-Transformer has top-1 85.04 and a validation
loss of 0.4588 for SwinV2-B after 500,000 steps, from a study with its own settings (https://arxiv.org/abs/2206.04664).
Cost: 16 GPUs; 1.02 billion images at 11.8 GMAC forward. Hours were not published.
Command: simmim-eval pretrain pretrain/simmim_swinv2-base-w12_16xb128-800e_in1k-192px.py --data-root data/imagenet
"""

_base_ = ["../_base_/pretraining/simmim.py"]

title = "SwinV2-B"
model = dict(
    type="simmim_eval.SimMIM",
    data_preprocessor=dict(
        type="mmengine.ImgDataPreprocessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
    ),
    backbone=dict(
        type="simmim_eval.SwinV2",
        arch="base",
        img_size=192,
        window_size=12,
        out_indices=(3,),
        use_mask_token=True,
        drop_path_rate=0.1,
    ),
    norm_target=47,
    mask_patch_size=32,
)

# 1,281,167 images // 2048 = 625; x 800 = 500,000 steps. Rates are published for a batch of 512.
# The drop to a tenth counts from the start of training.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=800)
optim_wrapper = dict(optimizer=dict(lr=4e-4))  # 1e-4 x 2048 / 512
param_scheduler = [
    dict(type="LinearLR", start_factor=2e-6 / 4e-4, begin=0, end=10, convert_to_iter_based=True),
    dict(type="MultiStepLR", milestones=[700], gamma=0.1, by_epoch=True),
]

sources = dict(
    lr="microsoft/Swin-Transformer, configs/simmim: 1e-4 for a batch of 512",
    schedule="microsoft/Swin-Transformer, configs/simmim: a tenth from epoch 700, counted from the start of training",
    warmup="microsoft/Swin-Transformer, configs/simmim: 10 epochs",
    drop_path="microsoft/Swin-Transformer, configs/simmim",
    resolution="microsoft/Swin-Transformer, configs/simmim",
    precision="microsoft/Swin-Transformer, config.py: torch's autocast in float16",
    weight_decay="microsoft/Swin-Transformer, config.py; position networks, logit scales and mask token exempt: ours",
)
