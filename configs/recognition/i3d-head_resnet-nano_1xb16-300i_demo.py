"""A 3D head on a nano SlowOnly ResNet, for the demo: eight motions that no single frame tells apart.

Source: ours; all but the backbone is i3d-head_swin-nano_1xb16-300i_demo.py.
Expected: about 90 % (chance 12.5); differences between initialisations at this size are not evidence.
Cost: about 140 s on one core.
Command: simmim-eval transfer recognition/i3d-head_resnet-nano_1xb16-300i_demo.py --init random --data-root data/demo
"""

_base_ = ["./i3d-head_swin-nano_1xb16-300i_demo.py"]

title = "ResNet-nano"
seconds = 140  # on one core
model = dict(
    backbone=dict(_delete_=True, type="simmim_eval.ResNetSlowOnly", arch="nano", decay_rule="block"),
)
