"""SimMIM pre-training of a nano ViT on the demo's base classes, without labels.

Source: ours; simmim_swin-nano_1xb32-900i_demo.py with another backbone and its mask cells, patches of 8 pixels.
Expected: a loss of 0.61 at the end, from 1.2.
Cost: about 160 s on one core.
Command: simmim-eval pretrain pretrain/simmim_vit-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["./simmim_swin-nano_1xb32-900i_demo.py"]

title = "ViT-nano"
seconds = 160  # on one core
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViT",
        arch="nano",
        img_size=48,
        patch_size=8,
        rel_pos="shared",
        init_values=0.1,
        use_mask_token=True,
    )
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(_base_.train_dataloader.dataset.pipeline[1], mask_stride=8),
        ]
    )
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(_base_.test_dataloader.dataset.pipeline[1], mask_stride=8),
        ]
    )
)
