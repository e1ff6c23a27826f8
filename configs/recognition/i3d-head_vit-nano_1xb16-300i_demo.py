"""A 3D head on a nano ViTVideo, for the demo: eight motions that no single frame tells apart.

Source: ours; all but the backbone is i3d-head_swin-nano_1xb16-300i_demo.py. The last norm stays: the head has none.
Expected: about 90 % (chance 12.5); differences between initialisations at this size are not evidence.
Cost: about 140 s on one core.
Command: simmim-eval transfer recognition/i3d-head_vit-nano_1xb16-300i_demo.py --init random --data-root data/demo
"""

_base_ = ["./i3d-head_swin-nano_1xb16-300i_demo.py"]

title = "ViT-nano"
seconds = 140  # on one core
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViTVideo",
        arch="nano",
        img_size=48,
        num_frames=8,
        patch_size=8,
        patch_size_t=2,
        rel_pos="per_block",
        init_values=0.1,
        keep_motion_filters=True,
    ),
    cls_head=dict(in_channels=96),
)
