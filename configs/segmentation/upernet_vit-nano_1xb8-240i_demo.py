"""UPerNet on a nano ViT with a pyramid from four blocks, for the demo.

Source: ours; all but the backbone and the pyramid, mmseg's, is upernet_swin-nano_1xb8-240i_demo.py.
Expected: some points of mIoU above the floor; differences between initialisations at this size are not evidence.
Cost: about 95 s on one core.
Command: simmim-eval transfer segmentation/upernet_vit-nano_1xb8-240i_demo.py --init random --data-root data/demo
"""

_base_ = ["./upernet_swin-nano_1xb8-240i_demo.py"]

title = "ViT-nano"
seconds = 95  # on one core
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViT",
        arch="nano",
        img_size=96,
        patch_size=8,
        rel_pos="per_block",
        init_values=0.1,
        final_norm=False,
        out_indices=(1, 2, 3, 5),  # after as large a share of the blocks as in ViT-B
    ),
    neck=dict(type="Feature2Pyramid", embed_dim=96, rescales=[2, 1, 0.5, 0.25]),  # strides 4, 8, 16, 32
    decode_head=dict(in_channels=[96] * 4, in_index=[0, 1, 2, 3]),
    auxiliary_head=dict(in_channels=96),
)
