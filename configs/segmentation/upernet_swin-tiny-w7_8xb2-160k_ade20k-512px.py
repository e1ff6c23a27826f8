"""UPerNet on Swin-T, for any initialisation.

Source: mmseg 1.2.2, configs/swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py;
    the layer-wise decay is the one that SwinV2's authors print for ADE20K (https://arxiv.org/abs/2111.09883).
Expected: ours; mmseg has 44.41 mIoU and Swin's authors 44.51 from supervised weights, without layer-wise decay
    (--cfg-options optim_wrapper.paramwise_cfg.layer_decay=1.0).
Cost: 8 GPUs with 2 images each; 2.56 million crops of 512 x 512.
Command: simmim-eval transfer segmentation/upernet_swin-tiny-w7_8xb2-160k_ade20k-512px.py \
    --init KIND=SOURCE --data-root data/ade/ADEChallengeData2016
"""

_base_ = ["mmseg::_base_/models/upernet_swin.py", "../_base_/segmentation/ade20k.py"]

title = "Swin-T"
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="tiny", drop_path_rate=0.3),
    decode_head=dict(in_channels=[96, 192, 384, 768], num_classes=150),
    auxiliary_head=dict(in_channels=384, num_classes=150),
)

optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=0.95),
    optimizer=dict(type="AdamW", lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type="PolyLR", power=1.0, eta_min=0.0, by_epoch=False, begin=1500, end=_base_.max_iters),
]

upstream = "mmseg 1.2.2, configs/swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}; ours: all vectors and biases are exempt",
    layer_decay="SwinV2 (https://arxiv.org/abs/2111.09883), appendix, ADE20K, for supervised SwinV2; ours here",
    drop_path=upstream,
)
