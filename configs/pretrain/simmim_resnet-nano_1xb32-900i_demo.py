"""SimMIM pre-training of a nano ResNet on the demo's base classes, without labels.

Source: ours; simmim_swin-nano_1xb32-900i_demo.py with another backbone and its mask cells, single pixels.
Expected: a loss of 0.54 at the end, from 1.1.
Cost: about 100 s on one core.
Command: simmim-eval pretrain pretrain/simmim_resnet-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["./simmim_swin-nano_1xb32-900i_demo.py"]

title = "ResNet-nano"
seconds = 100  # on one core
model = dict(
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ResNet",
        arch="nano",
        decay_rule="block",
        out_indices=(2,),
        use_mask_token=True,
    )
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(_base_.train_dataloader.dataset.pipeline[1], mask_stride=1),
        ]
    )
)
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(_base_.test_dataloader.dataset.pipeline[1], mask_stride=1),
        ]
    )
)
