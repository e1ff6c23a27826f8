"""Mask R-CNN with FPN on a nano ResNet, for the demo.

Source: ours; all but the backbone is mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py.
Expected: a few points of box AP; differences between initialisations at this size are not evidence.
Cost: about 95 s on one core.
Command: simmim-eval transfer detection/mask-rcnn-fpn_resnet-nano_1xb4-300i_demo.py --init random --data-root data/demo
"""

_base_ = ["./mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py"]

title = "ResNet-nano"
seconds = 95  # on one core
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNet", arch="nano", decay_rule="block"),
)
