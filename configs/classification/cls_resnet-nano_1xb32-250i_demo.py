"""Classification with a nano ResNet, for the demo: five classes of garments, 50 labelled images each.

Source: ours; all but the backbone is cls_swin-nano_1xb32-250i_demo.py.
Expected: about 70 % (chance 20) from random weights; differences between initialisations at this size are not evidence.
Cost: about 25 s on one core.
Command: simmim-eval transfer classification/cls_resnet-nano_1xb32-250i_demo.py --init random --data-root data/demo
"""

_base_ = ["./cls_swin-nano_1xb32-250i_demo.py"]

title = "ResNet-nano"
seconds = 25  # on one core
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNet", arch="nano", decay_rule="block", out_indices=(2,)),
)
