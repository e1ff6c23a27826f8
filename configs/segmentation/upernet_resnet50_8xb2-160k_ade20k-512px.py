"""UPerNet on ResNet-50, for any initialisation.

mmseg's has another stem, three 3x3 convolutions (``ResNetV1c``). Weights of SimMIM, torchvision and timm have the plain
one, so this recipe has it too, and mmseg's number is not its twin.

Source: mmseg 1.2.2, configs/upernet/upernet_r50_4xb4-160k_ade20k-512x512.py; the stem is ours.
Expected: ours; mmseg has 42.05 mIoU with its own stem from supervised weights.
Cost: 8 GPUs with 2 images each; 2.56 million crops of 512 x 512.
Command: simmim-eval transfer segmentation/upernet_resnet50_8xb2-160k_ade20k-512px.py \
    --init KIND=SOURCE --data-root data/ade/ADEChallengeData2016
"""

_base_ = ["mmseg::_base_/models/upernet_r50.py", "../_base_/segmentation/ade20k.py"]

title = "ResNet-50"
sync_bn = "torch"  # the backbone's batch norms
model = dict(
    pretrained=None,
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(_delete_=True, type="simmim_eval.ResNet", depth=50),
    decode_head=dict(num_classes=150),
    auxiliary_head=dict(num_classes=150),
)

optim_wrapper = dict(
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=1e-4, by_epoch=False, begin=0, end=_base_.max_iters),
]

upstream = "mmseg 1.2.2, configs/_base_/schedules/schedule_160k.py"
sources = dict(
    optimizer=upstream,
    lr=upstream,
    batch_size="mmseg 1.2.2, configs/upernet/upernet_r50_4xb4-160k_ade20k-512x512.py: 4 x 4, here 8 x 2",
    schedule=upstream,
    warmup=f"none: {upstream}",
    weight_decay=f"{upstream}; ours: vectors and biases are exempt",
    layer_decay="none: as mmseg",
    drop_path="none: as mmseg",
)
