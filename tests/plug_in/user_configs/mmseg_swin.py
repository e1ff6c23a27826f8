"""What a user of mmsegmentation writes."""

_base_ = "mmseg::swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py"
custom_imports = dict(imports=["simmim_eval.compat"])
arch = dict(embed_dim=32, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8))
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.Swin", arch=arch),
    decode_head=dict(in_channels=[32, 64, 128, 256], channels=32),
    auxiliary_head=dict(in_channels=128, channels=16),
)
optim_wrapper = dict(
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(_delete_=True, layer_decay=0.95),
)
