"""UPerNet on a nano ResNet, for the demo.

Source: ours; all but the backbone is upernet_swin-nano_1xb8-240i_demo.py.
Expected: some points of mIoU above the floor; differences between initialisations at this size are not evidence.
Cost: about 50 s on one core.
Command: simmim-eval transfer segmentation/upernet_resnet-nano_1xb8-240i_demo.py --init random --data-root data/demo
"""

_base_ = ["./upernet_swin-nano_1xb8-240i_demo.py"]

title = "ResNet-nano"
seconds = 50  # on one core
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNet", arch="nano", decay_rule="block"),
)
