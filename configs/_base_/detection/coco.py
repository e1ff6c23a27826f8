"""What all COCO recipes share: readers, images of at most 1333 x 800 pixels, batches of 16, hooks, evaluation.

Source: mmdet 3.3, configs/_base_/datasets/coco_instance.py, configs/common/ms-poly_3x_coco-instance.py,
configs/swin/mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco.py. Nothing is validated while a recipe trains: the last
checkpoint is evaluated, once.
"""

default_scope = "mmdet"
task = "detection"
data = "coco"
data_root = "data/coco/"
data_parts = ["annotations", "train2017", "val2017"]
resolution = (800, 1333)  # the shorter side, and what the longer one may not exceed

train_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(type="Resize", scale=(1333, 800), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
box_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True),
    *train_pipeline[2:],
]
range_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True, poly2mask=False),
    dict(type="RandomResize", scale=[(1333, 640), (1333, 800)], keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
shorter_sides = [(side, 1333) for side in range(480, 801, 32)]
detr_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(type="RandomFlip", prob=0.5),
    dict(
        type="RandomChoice",
        transforms=[
            [dict(type="RandomChoiceResize", scales=shorter_sides, keep_ratio=True)],
            [
                dict(type="RandomChoiceResize", scales=[(400, 1333), (500, 1333), (600, 1333)], keep_ratio=True),
                dict(type="RandomCrop", crop_type="absolute_range", crop_size=(384, 600), allow_negative_crop=True),
                dict(type="RandomChoiceResize", scales=shorter_sides, keep_ratio=True),
            ],
        ],
    ),
    dict(type="PackDetInputs"),
]

train_dataloader = dict(
    batch_size=2,  # x 8 GPUs = 16
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_sampler=dict(type="AspectRatioBatchSampler"),
    dataset=dict(
        type="simmim_eval.Coco",
        ann_file=data_root + "annotations/instances_train2017.json",
        data_prefix=dict(img=data_root + "train2017/"),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),  # 117,266 of 118,287 images stay
        pipeline=train_pipeline,
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="simmim_eval.Coco",
        test_mode=True,
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(type="Resize", scale=(1333, 800), keep_ratio=True),
            dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
        ],
    ),
)
test_evaluator = dict(type="simmim_eval.CocoAP")
test_cfg = dict(type="TestLoop")
splits = dict(
    val=dict(
        dataloader=dict(
            dataset=dict(
                ann_file=data_root + "annotations/instances_val2017.json",
                data_prefix=dict(img=data_root + "val2017/"),
            )
        ),
        evaluator=dict(ann_file=data_root + "annotations/instances_val2017.json"),
    )
)

optim_wrapper = dict(type="OptimWrapper", constructor="simmim_eval.LayerDecayConstructor")
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=50),
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=1),
)

sources = dict(
    batch_size="mmdet 3.3, configs/_base_/datasets/coco_instance.py",
    augmentation="mmdet 3.3, configs/_base_/datasets/coco_instance.py: one scale, flip",
    resolution="mmdet 3.3, configs/_base_/datasets/coco_instance.py",
    grad_clip="none: mmdet 3.3 clips in none of these recipes",
    test="mmdet 3.3, configs/_base_/datasets/coco_instance.py: one scale, no flip",
)
