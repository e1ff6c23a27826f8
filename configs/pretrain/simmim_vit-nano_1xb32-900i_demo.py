"""SimMIM pre-training of a nano ViT on the demo's base classes, without labels.

Source: ours; all but the backbone and its mask cells, patches of 8 pixels, is simmim_swin-nano_1xb32-900i_demo.py.
Expected: TODO
Cost: TODO
Command: simmim-eval pretrain pretrain/simmim_vit-nano_1xb32-900i_demo.py --data-root data/demo
"""

_base_ = ["./simmim_swin-nano_1xb32-900i_demo.py"]

title = "ViT-nano"
backbone = dict(type="simmim_eval.ViT", arch="nano", img_size=48, patch_size=8, rel_pos="shared", init_values=0.1)
model = dict(backbone=dict(_delete_=True, use_mask_token=True, **backbone))

load, crop = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[load, dict(crop, mask_stride=8)]))
load, crop = _base_.test_dataloader.dataset.pipeline
test_dataloader = dict(dataset=dict(pipeline=[load, dict(crop, mask_stride=8)]))
