"""Classification with a nano ViT, for the demo: five classes of garments, 50 labelled images each.

Source: ours; cls_swin-nano_1xb32-250i_demo.py with SimMIM's norm behind the pooling and small head of a ViT.
Expected: about 40 % (chance 20) from random weights; differences between initialisations at this size are not evidence.
Cost: about 45 s on one core.
Command: simmim-eval transfer classification/cls_vit-nano_1xb32-250i_demo.py --init random --data-root data/demo
"""

_base_ = ["./cls_swin-nano_1xb32-250i_demo.py"]

title = "ViT-nano"
seconds = 45  # on one core
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViT",
        arch="nano",
        img_size=48,
        patch_size=8,
        rel_pos="per_block",
        init_values=0.1,
        final_norm=False,
    ),
    fc_norm=True,
    head_std=2e-5,
)
