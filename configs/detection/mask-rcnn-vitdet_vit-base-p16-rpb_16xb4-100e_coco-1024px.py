"""ViTDet for SimMIM's ViT-B: a table of relative positions in every block and layer scale; no absolute positions.

Source: ours: detectron2's ViTDet with the blocks that SimMIM fine-tunes (microsoft/SimMIM, configs/vit_base__800ep),
    whose authors published no detection on ViT. Layer scale stays: without it these weights give something else.
Expected: ours; no number of this recipe was published.
Cost: 64 images a step on 16 GPUs; 11.8 million images of 1024 x 1024.
Command: simmim-eval transfer detection/mask-rcnn-vitdet_vit-base-p16-rpb_16xb4-100e_coco-1024px.py \
    --init KIND=SOURCE --data-root data/coco
"""

_base_ = ["./mask-rcnn-vitdet_vit-base-p16_16xb4-100e_coco-1024px.py"]

model = dict(backbone=dict(rel_pos="per_block", abs_pos=False, init_values=0.1))

sources = dict(
    layer_decay="ours: ViTDet's; SimMIM fine-tunes ViT-B with 0.65 on ImageNet",
    drop_path="ours: ViTDet's; SimMIM fine-tunes ViT-B with 0.1 on ImageNet",
)
