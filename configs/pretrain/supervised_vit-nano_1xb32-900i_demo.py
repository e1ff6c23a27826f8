"""Supervised pre-training of a nano ViT on the demo's base classes: the rival of SimMIM at equal images.

Source: ours; supervised_swin-nano_1xb32-900i_demo.py with SimMIM's norm behind the pooling and small head of a ViT.
Cost: about 150 s on one core.
Command: simmim-eval pretrain pretrain/supervised_vit-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["./supervised_swin-nano_1xb32-900i_demo.py"]

title = "ViT-nano"
seconds = 150  # on one core
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
