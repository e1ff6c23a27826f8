"""SimMIM, ResNet-50, 100 epochs of ImageNet-1K at 192 pixels; hidden pixels are replaced before the stem.

Source: ours. SimMIM's paper reports a ResNet-50x4 without settings or code; everything here is its Swin-B recipe of 100
epochs (microsoft/SimMIM, configs/swin_base__100ep) but the mask, which replaces pixels by a learned colour.
Expected: ours; nothing was published.
Cost: 16 GPUs; 128 million images at 3.0 GMAC forward.
Command: simmim-eval pretrain pretrain/simmim_resnet50_16xb128-100e_in1k-192px.py --data-root data/imagenet
"""

_base_ = ["../_base_/pretraining/simmim.py"]

title = "ResNet-50"
resolution = 192
model = dict(
    type="simmim_eval.SimMIM",
    data_preprocessor=dict(
        type="mmengine.ImgDataPreprocessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
    ),
    backbone=dict(type="simmim_eval.ResNet", depth=50, out_indices=(3,), use_mask_token=True),
    mask_patch_size=32,
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.PretrainTransform",
                img_size=192,
                mask_patch_size=32,
                mask_stride=1,
                mask_ratio=0.6,  # 22 of 36 units
                crop_scale=(0.67, 1.0),
            ),
        ]
    ),
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.PretrainEvalTransform",
                img_size=192,
                mask_patch_size=32,
                mask_stride=1,
                mask_ratio=0.6,
            ),
        ]
    ),
)

# 1,281,167 images // 2048 = 625; x 100 = 62,500 steps. Rates are Swin-B's, for a batch of 512.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(optimizer=dict(lr=8e-4))  # 2e-4 x 2048 / 512
param_scheduler = [
    dict(type="LinearLR", start_factor=4e-6 / 8e-4, begin=0, end=10, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=4e-5, begin=0, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="ours: SimMIM's for Swin-B",
    lr="ours: SimMIM's for Swin-B",
    batch_size="ours: SimMIM's",
    schedule="ours: SimMIM's for Swin-B, 100 epochs",
    warmup="ours: SimMIM's for Swin-B",
    weight_decay="ours: SimMIM's for Swin-B; norms, biases and mask token exempt",
    layer_decay="ours: none, as in SimMIM",
    drop_path="ours: none, as for Swin-B",
    grad_clip="ours: SimMIM's",
    augmentation="ours: SimMIM's crops and masks; a mask cell is a pixel",
    resolution="ours: SimMIM's for Swin-B",
    precision="ours: SimMIM's",
)
