"""Mask R-CNN with FPN on ResNet-50, 12 epochs, for any initialisation.

The usual recipe holds the stem, the first stage and the statistics of all norms still, which suits weights that
ImageNet's labels made, and no others: filters that are random, or that have only seen masked images, would stay as
they are. All rows of a table share one recipe, so this one trains everything and synchronises the norms, as the
detection benchmark for self-supervised weights does.

Source: mmselfsup, configs/benchmarks/mmdetection/coco/mask-rcnn_r50_fpn_ms-1x_coco.py; mmdet 3.3,
    configs/mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py.
Expected: ours; no number of this recipe was published. mmdet's frozen one has 38.2 box AP and 34.7 mask AP from
    supervised weights.
Cost: 8 GPUs with 2 images each; 1.4 million images of 1333 x 800.
Command: simmim-eval transfer detection/mask-rcnn-fpn_resnet50_8xb2-1x_coco.py --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["mmdet::_base_/models/mask-rcnn_r50_fpn.py", "../_base_/detection/coco.py"]

title = "ResNet-50"
norm_cfg = dict(type="SyncBN", requires_grad=True)
sync_bn = "torch"  # the backbone's batch norms
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNet", depth=50, frozen_stages=-1, norm_eval=False),
    neck=dict(norm_cfg=norm_cfg),
    roi_head=dict(bbox_head=dict(type="Shared4Conv1FCBBoxHead", norm_cfg=norm_cfg), mask_head=dict(norm_cfg=norm_cfg)),
)

max_epochs = 12  # 117,266 images / 16 = 7,330 steps; x 12 = 87,960
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=max_epochs, milestones=[8, 11], gamma=0.1),
]

upstream = "mmdet 3.3, configs/_base_/schedules/schedule_1x.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}; ours: vectors and biases are exempt",
    layer_decay="none: as mmdet and mmselfsup",
    drop_path="none: as mmdet and mmselfsup",
    augmentation="mmdet 3.3, configs/_base_/datasets/coco_instance.py: one scale, flip (mmselfsup: 640 to 800)",
    precision=upstream,
)
