"""What a user of mmdet writes: a stock config, our backbone, the documented line."""

_base_ = "mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py"
custom_imports = dict(imports=["simmim_eval.compat"])
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch="nano"),
    neck=dict(in_channels=[32, 64, 128]),
)
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=0.9),
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.05),
)
