"""RetinaNet on ResNet-50, 12 epochs at one scale, for any initialisation; boxes only.

The whole backbone is trained, its norms synchronised: mask-rcnn-fpn_resnet50_8xb2-1x_coco.py says why.

Source: mmdet 3.3, configs/retinanet/retinanet_r50_fpn_1x_coco.py; what is trained is ours.
Expected: ours; mmdet's frozen one has 36.5 box AP from supervised weights.
Cost: 8 GPUs with 2 images each; 1.4 million images of 1333 x 800.
Command: simmim-eval transfer detection/retinanet-fpn_resnet50_8xb2-1x_coco.py --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["mmdet::_base_/models/retinanet_r50_fpn.py", "../_base_/detection/coco.py"]

title = "ResNet-50"
sync_bn = "torch"  # the backbone's batch norms
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ResNet",
        depth=50,
        out_indices=(1, 2, 3),
        frozen_stages=-1,
        norm_eval=False,
    ),
    neck=dict(in_channels=[512, 1024, 2048], start_level=0),
)

train_dataloader = dict(dataset=dict(pipeline=_base_.box_pipeline))
test_evaluator = dict(kinds=("box",))
max_epochs = 12  # 117,266 images / 16 = 7,330 steps; x 12 = 87,960
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs)
optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=max_epochs, milestones=[8, 11], gamma=0.1),
]

upstream = "mmdet 3.3, configs/retinanet/retinanet_r50_fpn_1x_coco.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}; ours: vectors and biases are exempt",
    layer_decay="none: as mmdet",
    drop_path="none: as mmdet",
    precision=upstream,
)
