"""What a user of mmaction2 writes; videos through PyAV, where decord is not installed."""

_base_ = "mmaction::recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py"
custom_imports = dict(imports=["simmim_eval.compat"])
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.SwinVideo", arch="nano"),
    cls_head=dict(in_channels=128),
)
pipeline = [
    dict(type="PyAVInit"),
    dict(type="SampleFrames", clip_len=4, frame_interval=1, num_clips=1),
    dict(type="PyAVDecode"),
    dict(type="Resize", scale=(48, 48), keep_ratio=False),
    dict(type="FormatShape", input_format="NCTHW"),
    dict(type="PackActionInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
test_dataloader = dict(dataset=dict(pipeline=pipeline))
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",  # mmengine's AmpOptimWrapper needs a GPU
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=0.9),
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.02),
)
