"""Supervised pre-training of a nano ResNet on the demo's base classes: the rival of SimMIM at equal images.

Source: ours; all but the backbone is supervised_swin-nano_1xb32-900i_demo.py.
Cost: about 90 s on one core.
Command: simmim-eval pretrain pretrain/supervised_resnet-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["./supervised_swin-nano_1xb32-900i_demo.py"]

title = "ResNet-nano"
seconds = 90  # on one core
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNet", arch="nano", decay_rule="block", out_indices=(2,)),
)
