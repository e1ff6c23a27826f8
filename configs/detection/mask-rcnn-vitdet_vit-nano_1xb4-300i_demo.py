"""Mask R-CNN on a nano ViT with ViTDet's simple pyramid, for the demo.

Source: ours; all but the backbone, the neck and its strides is mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py.
Expected: a few points of box AP; differences between initialisations at this size are not evidence.
Cost: about 150 s on one core.
Command: simmim-eval transfer detection/mask-rcnn-vitdet_vit-nano_1xb4-300i_demo.py --init random --data-root data/demo
"""

_base_ = ["./mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py"]

title = "ViT-nano"
seconds = 150  # on one core
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViT",
        arch="nano",
        img_size=128,
        patch_size=8,
        rel_pos="per_block",
        init_values=0.1,
        final_norm=False,
    ),
    neck=dict(_delete_=True, type="simmim_eval.SimplePyramid", in_channels=96, out_channels=_base_.width),
    rpn_head=dict(anchor_generator=dict(strides=[2, 4, 8, 16, 32])),  # sides 10 to 160 of 128 pixels
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16]), mask_roi_extractor=dict(featmap_strides=[2, 4, 8, 16])
    ),
)
