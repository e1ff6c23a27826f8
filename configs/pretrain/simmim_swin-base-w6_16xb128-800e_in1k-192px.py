"""SimMIM, Swin-B with window 6, 800 epochs of ImageNet-1K at 192 pixels.

Source: https://arxiv.org/abs/2111.09886; microsoft/SimMIM, configs/swin_base__800ep.
Expected: ImageNet-1K top-1 after fine-tuning 84.0 at 224 pixels (microsoft/SimMIM, README).
Cost: 16 GPUs; 1.02 billion images at 11.3 GMAC forward. Hours were not published.
Command: simmim-eval pretrain pretrain/simmim_swin-base-w6_16xb128-800e_in1k-192px.py --data-root data/imagenet
"""

_base_ = ["../_base_/pretraining/simmim.py"]

title = "Swin-B"
model = dict(
    type="simmim_eval.SimMIM",
    data_preprocessor=dict(
        type="mmengine.ImgDataPreprocessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
    ),
    backbone=dict(
        type="simmim_eval.Swin", arch="base", img_size=192, window_size=6, out_indices=(3,), use_mask_token=True
    ),
    mask_patch_size=32,
)

train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=800)  # 1,281,167 images // 2048 = 625; x 800 = 500,000 steps

# Rates are published for a batch of 512; 2048 multiplies each by 4: base 1e-4, warm-up 5e-7.
# The drop to a tenth counts from the start of training.
optim_wrapper = dict(optimizer=dict(lr=4e-4))  # 1e-4 x 2048 / 512
param_scheduler = [
    dict(type="LinearLR", start_factor=2e-6 / 4e-4, begin=0, end=10, convert_to_iter_based=True),
    dict(type="MultiStepLR", milestones=[700], gamma=0.1, by_epoch=True),
]

sources = dict(
    lr="microsoft/SimMIM, configs/swin_base__800ep: 1e-4 for a batch of 512",
    schedule="microsoft/SimMIM, configs/swin_base__800ep: a tenth from epoch 700, counted from the start of training",
    warmup="microsoft/SimMIM, configs/swin_base__800ep: 10 epochs",
    drop_path="microsoft/SimMIM, configs/swin_base__800ep: none",
    resolution="microsoft/SimMIM, configs/swin_base__800ep",
)
