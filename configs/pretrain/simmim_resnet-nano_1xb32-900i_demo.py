"""SimMIM pre-training of a nano ResNet on the demo's base classes, without labels.

Source: ours; all but the backbone and its mask cells, single pixels, is simmim_swin-nano_1xb32-900i_demo.py.
Expected: TODO
Cost: TODO
Command: simmim-eval pretrain pretrain/simmim_resnet-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["./simmim_swin-nano_1xb32-900i_demo.py"]

title = "ResNet-nano"
backbone = dict(type="simmim_eval.ResNet", arch="nano", decay_rule="block", out_indices=(2,))
model = dict(backbone=dict(_delete_=True, use_mask_token=True, **backbone))

load, crop = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[load, dict(crop, mask_stride=1)]))
load, crop = _base_.test_dataloader.dataset.pipeline
test_dataloader = dict(dataset=dict(pipeline=[load, dict(crop, mask_stride=1)]))
