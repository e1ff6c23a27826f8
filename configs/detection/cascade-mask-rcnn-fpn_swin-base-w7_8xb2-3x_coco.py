"""Cascade Mask R-CNN on Swin-B as Swin's authors train it: 36 epochs at many scales, three box heads of 4conv1fc.

Source: SwinTransformer/Swin-Transformer-Object-Detection, configs/swin/
    cascade_mask_rcnn_swin_base_patch4_window7_mstrain_480-800_giou_4conv1f_adamw_3x_coco.py; the layer-wise decay is
    ours.
Expected: ours; Swin's authors have 51.9 box AP and 45.0 mask AP from supervised weights, without layer-wise decay
    (--cfg-options optim_wrapper.paramwise_cfg.layer_decay=1.0).
Cost: 8 GPUs with 2 images each; 4.2 million images of up to 1333 x 800.
Command: simmim-eval transfer detection/cascade-mask-rcnn-fpn_swin-base-w7_8xb2-3x_coco.py \
    --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py", "../_base_/detection/coco.py"]

title = "Swin-B"
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="base", drop_path_rate=0.3),
    neck=dict(in_channels=[128, 256, 512, 1024]),
    roi_head=dict(
        bbox_head=[
            dict(
                type="ConvFCBBoxHead",
                num_shared_convs=4,
                num_shared_fcs=1,
                in_channels=256,
                conv_out_channels=256,
                fc_out_channels=1024,
                roi_feat_size=7,
                num_classes=80,
                norm_cfg=dict(type="SyncBN", requires_grad=True),
                bbox_coder=dict(
                    type="DeltaXYWHBBoxCoder",
                    target_means=[0.0, 0.0, 0.0, 0.0],
                    target_stds=stds,
                ),
                reg_class_agnostic=False,
                reg_decoded_bbox=True,
                loss_cls=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type="GIoULoss", loss_weight=10.0),
            )
            for stds in ([0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1], [0.033, 0.033, 0.067, 0.067])
        ]
    ),
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

upstream = "SwinTransformer/Swin-Transformer-Object-Detection, configs/swin: Cascade Mask R-CNN, Swin-B, 3x"
mmdet = "mmdet 3.3, configs/swin/mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=upstream,
    warmup=f"{mmdet}: 1000 steps",
    weight_decay=f"{upstream}; ours: all vectors and biases are exempt",
    layer_decay="ours: what impiga/Plain-DETR, configs/swinv2_small_mim_pt_boxrpe.sh has for SimMIM's weights on COCO",
    drop_path=upstream,
    augmentation=f"{upstream}: flip; one of 11 scales, or one of 3, a crop, and one of 11",
    grad_clip=f"none: {upstream}",
    precision=upstream,
)
