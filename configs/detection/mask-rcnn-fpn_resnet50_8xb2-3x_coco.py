"""Mask R-CNN with FPN on ResNet-50, 36 epochs at many scales, for any initialisation.

Everything is trained and the norms are synchronised: mask-rcnn-fpn_resnet50_8xb2-1x_coco.py says why.

Source: mmselfsup, configs/benchmarks/mmdetection/coco/mask-rcnn_r50_fpn_ms-1x_coco.py (what is trained, heads);
    mmdet 3.3, configs/common/ms-poly_3x_coco-instance.py (schedule, scales).
Expected: ours; no number of this recipe was published. mmdet's frozen one has 40.9 box AP and 37.1 mask AP from
    supervised weights.
Cost: 8 GPUs with 2 images each; 4.2 million images of up to 1333 x 800.
Command: simmim-eval transfer detection/mask-rcnn-fpn_resnet50_8xb2-3x_coco.py --init KIND=SOURCE --data-root data/coco
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

train_dataloader = dict(dataset=dict(pipeline=_base_.range_pipeline))
max_epochs = 36  # mmdet: 12 epochs of a set that is repeated three times; 7,330 steps x 36 = 263,880
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=max_epochs, milestones=[27, 33], gamma=0.1),
]

upstream = "mmdet 3.3, configs/common/ms-poly_3x_coco-instance.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=f"{upstream}: steps 9 and 11 of 12, times 3",
    warmup=upstream,
    weight_decay=f"{upstream}; ours: vectors and biases are exempt",
    layer_decay="none: as mmdet and mmselfsup",
    drop_path="none: as mmdet and mmselfsup",
    augmentation=f"{upstream}: shorter side 640 to 800, flip",
    precision=upstream,
)
