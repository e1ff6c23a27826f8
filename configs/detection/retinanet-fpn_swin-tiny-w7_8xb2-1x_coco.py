"""RetinaNet on Swin-T, 12 epochs at one scale, for any initialisation; boxes only.

Source: mmdet 3.3, configs/swin/retinanet_swin-t-p4-w7_fpn_1x_coco.py: plain SGD, as for ResNet.
Expected: ours; mmdet states no number.
Cost: 8 GPUs with 2 images each; 1.4 million images of 1333 x 800.
Command: simmim-eval transfer detection/retinanet-fpn_swin-tiny-w7_8xb2-1x_coco.py \
    --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["mmdet::_base_/models/retinanet_r50_fpn.py", "../_base_/detection/coco.py"]

title = "Swin-T"
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="tiny", out_indices=(1, 2, 3), drop_path_rate=0.2),
    neck=dict(in_channels=[192, 384, 768], start_level=0),
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

upstream = "mmdet 3.3, configs/swin/retinanet_swin-t-p4-w7_fpn_1x_coco.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}; ours: vectors and biases are exempt",
    layer_decay="none: as mmdet",
    drop_path=upstream,
    precision=upstream,
)
