"""ViTDet: Mask R-CNN on a plain ViT-B at 1024 pixels, windows with four global blocks, a pyramid from the last map.

For weights with absolute positions (MAE, supervised ViTs); SimMIM's have relative ones, and the recipe beside this. The
absolute positions are resampled once, when weights are loaded, and then trained at 64 x 64; ViTDet trains those of 14 x
14 and resamples them in each step.

Source: detectron2, projects/ViTDet/configs/COCO/mask_rcnn_vitdet_b_100ep.py, configs/common/models/mask_rcnn_vitdet.py.
Expected: 51.6 box AP and 45.9 mask AP from MAE's weights (detectron2, projects/ViTDet/README.md).
Cost: 64 images a step on 16 GPUs; 11.8 million images of 1024 x 1024.
Command: simmim-eval transfer detection/mask-rcnn-vitdet_vit-base-p16_16xb4-100e_coco-1024px.py \
    --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["mmdet::_base_/models/mask-rcnn_r50_fpn.py", "../_base_/detection/coco.py"]

title = "ViT-B"
resolution = 1024

norm_cfg = dict(type="simmim_eval.LayerNorm2d", eps=1e-6)
model = dict(
    data_preprocessor=dict(pad_size_divisor=resolution),  # all images become squares, in training and in testing
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViT",
        arch="base",
        img_size=resolution,
        rel_pos="decomposed",
        abs_pos=True,
        class_token=False,
        final_norm=False,
        window_size=14,
        global_blocks=(2, 5, 8, 11),
        drop_path_rate=0.1,
    ),
    neck=dict(_delete_=True, type="simmim_eval.SimplePyramid", in_channels=768, out_channels=256),
    rpn_head=dict(num_convs=2),
    roi_head=dict(bbox_head=dict(type="Shared4Conv1FCBBoxHead", norm_cfg=norm_cfg), mask_head=dict(norm_cfg=norm_cfg)),
)

train_dataloader = dict(
    batch_size=4,  # x 16 GPUs = 64
    sampler=dict(type="InfiniteSampler", shuffle=True),
    batch_sampler=None,
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="RandomResize", scale=(resolution, resolution), ratio_range=(0.1, 2.0), keep_ratio=True),
            dict(
                type="RandomCrop",
                crop_type="absolute",
                crop_size=(resolution, resolution),
                recompute_bbox=True,
                allow_negative_crop=True,
            ),
            dict(type="FilterAnnotations", min_gt_bbox_wh=(0.01, 0.01), keep_empty=False),
            dict(type="PackDetInputs"),
        ]
    ),
)
auto_scale_lr = dict(base_batch_size=64)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="Resize", scale=(resolution, resolution), keep_ratio=True),
            dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
        ]
    )
)

max_iters = 184_375  # 100 epochs of 118,000 images / 64
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    paramwise_cfg=dict(layer_decay=0.7),
    optimizer=dict(type="AdamW", lr=1e-4, betas=(0.9, 0.999), weight_decay=0.1),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=250),
    dict(type="MultiStepLR", by_epoch=False, begin=0, end=max_iters, milestones=[163_889, 177_546], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5000))
log_processor = dict(type="LogProcessor", by_epoch=False)

upstream = "detectron2, projects/ViTDet/configs/COCO/mask_rcnn_vitdet_b_100ep.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    batch_size="detectron2, projects/ViTDet/configs/common/coco_loader_lsj.py; 16 x 4: mmdet, projects/ViTDet",
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}; ours: vectors and biases are exempt (there: layer norms and pos_embed)",
    layer_decay=upstream,
    drop_path="detectron2, configs/common/models/mask_rcnn_vitdet.py",
    augmentation="detectron2, projects/ViTDet/configs/common/coco_loader_lsj.py: flip, scale 0.1 to 2, crop; ours: the "
    "padding is 0 after normalisation",
    resolution="detectron2, configs/common/models/mask_rcnn_vitdet.py",
    grad_clip=f"none: {upstream}",
    precision=upstream,
    test="detectron2, configs/common/models/mask_rcnn_vitdet.py: longer side 1024, padded to a square, no flip",
)
