"""Mask R-CNN with FPN on Swin-B, 36 epochs at many scales, for any initialisation.

Source: mmdet 3.3, configs/swin/mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco.py, with the drop path
    that Swin's authors use for Swin-B; the layer-wise decay is ours.
Expected: ours; no number of Mask R-CNN on Swin-B was published by Swin's authors or mmdet.
Cost: 8 GPUs with 2 images each; 4.2 million images of up to 1333 x 800.
Command: simmim-eval transfer detection/mask-rcnn-fpn_swin-base-w7_8xb2-3x_coco.py \
    --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["mmdet::_base_/models/mask-rcnn_r50_fpn.py", "../_base_/detection/coco.py"]

title = "Swin-B"
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="base", drop_path_rate=0.3),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)

train_dataloader = dict(dataset=dict(pipeline=_base_.detr_pipeline))
max_epochs = 36  # 117,266 images / 16 = 7,330 steps; x 36 = 263,880
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    paramwise_cfg=dict(layer_decay=0.9),
    optimizer=dict(type="AdamW", lr=1e-4, betas=(0.9, 0.999), weight_decay=0.05),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=max_epochs, milestones=[27, 33], gamma=0.1),
]

upstream = "mmdet 3.3, configs/swin/mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}; ours: all vectors and biases are exempt",
    layer_decay="ours: what impiga/Plain-DETR, configs/swinv2_small_mim_pt_boxrpe.sh has for SimMIM's weights on COCO",
    drop_path="SwinTransformer/Swin-Transformer-Object-Detection, configs/swin: Cascade Mask R-CNN on Swin-B",
    augmentation=f"{upstream}: flip; one of 11 scales, or one of 3, a crop, and one of 11",
    precision=upstream,
)
