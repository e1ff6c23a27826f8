"""What all ADE20K recipes share: readers, crops of 512 pixels, 160,000 steps of 16 images, hooks, evaluation.

Source: mmseg 1.2.2, configs/_base_/datasets/ade20k.py, configs/_base_/schedules/schedule_160k.py. Nothing is validated
while a recipe trains: the last checkpoint is evaluated, once. The views of the multi-scale test are multiples of the
2048 x 512 of the single-scale test, as in mmseg 0.x, which Swin's authors used; mmseg 1.x takes multiples of the image.
"""

default_scope = "mmseg"
task = "segmentation"
data = "ade20k"
data_root = "data/ade/ADEChallengeData2016/"
data_parts = ["images", "annotations"]
resolution = 512

crop_size = (512, 512)
train_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(type="simmim_eval.LoadLabelMap"),
    dict(type="RandomResize", scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(type="Resize", scale=(2048, 512), keep_ratio=True),
    dict(type="simmim_eval.LoadLabelMap"),
    dict(type="PackSegInputs"),
]
multi_scale_pipeline = [
    dict(type="simmim_eval.LoadImage"),
    dict(
        type="TestTimeAug",
        transforms=[
            [
                dict(type="Resize", scale=scale, keep_ratio=True)  # times 0.5, 0.75, 1, 1.25, 1.5, 1.75
                for scale in ((1024, 256), (1536, 384), (2048, 512), (2560, 640), (3072, 768), (3584, 896))
            ],
            [dict(type="RandomFlip", prob=0.0), dict(type="RandomFlip", prob=1.0)],
            [dict(type="simmim_eval.LoadLabelMap")],
            [dict(type="PackSegInputs")],
        ],
    ),
]

train_dataloader = dict(
    batch_size=2,  # x 8 GPUs = 16
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type="simmim_eval.ADE20K",
        data_prefix=dict(img_path=data_root + "images/training", seg_map_path=data_root + "annotations/training"),
        pipeline=train_pipeline,
    ),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="simmim_eval.ADE20K", pipeline=test_pipeline),
)
test_evaluator = dict(type="simmim_eval.MeanIoU")
test_cfg = dict(type="TestLoop")
splits = dict(
    val=dict(
        dataloader=dict(
            dataset=dict(
                data_prefix=dict(
                    img_path=data_root + "images/validation", seg_map_path=data_root + "annotations/validation"
                )
            )
        )
    )
)

max_iters = 160_000  # x 16 images = 2.56 million: 127 epochs of 20,210
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
optim_wrapper = dict(type="OptimWrapper", constructor="simmim_eval.LayerDecayConstructor")
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=50),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=4000, max_keep_ckpts=1),
)
log_processor = dict(type="LogProcessor", by_epoch=False)

sources = dict(
    batch_size="mmseg 1.2.2, configs/swin: 8 x 2",
    augmentation="mmseg 1.2.2, configs/_base_/datasets/ade20k.py: scale 0.5 to 2, crop, flip, photometric",
    resolution="mmseg 1.2.2, configs/_base_/datasets/ade20k.py",
    grad_clip="none: mmseg 1.2.2, configs/_base_/schedules/schedule_160k.py",
    precision="mmseg 1.2.2, configs/_base_/schedules/schedule_160k.py",
    test="mmseg 1.2.2, configs/_base_/datasets/ade20k.py: shorter side 512, the whole image, no flip",
)
