"""Fine-tuning ViT-B with relative positions on ImageNet-1K at 224 pixels, as BEiT does after pre-training alone.

Source: https://arxiv.org/abs/2106.08254; microsoft/unilm, beit/get_started_for_image_classification.md, BEiT-base of
pt22k.
Expected: top-1 83.2 from BEiT's weights (not seen: from memory of the paper, where they come from ImageNet-1K).
Cost: 8 V100; 128 million images at 17.6 GMAC forward. Hours were not published.
Command: simmim-eval transfer classification/cls_vit-base-p16-rpb_8xb128-100e_in1k-224px.py \\
    --init other_ssl=CHECKPOINT --data-root data/imagenet

Mean and deviation of the images, 0.5 of the range, belong to BEiT's weights, not to the task: with another
initialisation set model.data_preprocessor.mean and std to ImageNet's, or lose accuracy in silence. The cosine begins
after warm-up; all rates are shares of each layer's own, as published.
"""

_base_ = ["../_base_/classification/imagenet.py"]

title = "ViT-B"
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(
        type="simmim_eval.ViT",
        arch="base",
        img_size=224,
        rel_pos="per_block",
        init_values=0.1,
        final_norm=False,
        drop_path_rate=0.1,
    ),
    fc_norm=True,
    head_std=2e-5,
)
train_dataloader = dict(batch_size=128)  # x 8 GPUs
auto_scale_lr = dict(enable=False, base_batch_size=1024)

# 1,281,167 images // 1024 = 1,251; x 100 = 125,100 steps. The rate is published for this very batch.
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
optim_wrapper = dict(paramwise_cfg=dict(layer_decay=0.65), optimizer=dict(lr=4e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-6 / 4e-3, begin=0, end=20, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min_ratio=1e-6 / 4e-3, begin=20, end=100, convert_to_iter_based=True),
]

sources = dict(
    optimizer="microsoft/unilm, beit/run_class_finetuning.py: AdamW (0.9, 0.999), eps 1e-8",
    lr="microsoft/unilm, beit/get_started_for_image_classification.md: 4e-3, not scaled",
    batch_size="microsoft/unilm, beit/get_started_for_image_classification.md: 8 GPUs x 128",
    schedule="microsoft/unilm, beit/utils.py: cosine after warm-up to 1e-6",
    warmup="microsoft/unilm, beit/get_started_for_image_classification.md: 20 epochs",
    weight_decay=(
        "microsoft/unilm, beit/get_started_for_image_classification.md; tables of relative positions decay, as there"
    ),
    layer_decay="microsoft/unilm, beit/get_started_for_image_classification.md",
    drop_path="microsoft/unilm, beit/get_started_for_image_classification.md",
    grad_clip="microsoft/unilm, beit/run_class_finetuning.py: none",
    augmentation="microsoft/unilm, beit/get_started_for_image_classification.md and run_class_finetuning.py",
    resolution="microsoft/unilm, beit/get_started_for_image_classification.md",
    precision=(
        "microsoft/unilm, beit/get_started_for_image_classification.md: apex O2 by deepspeed; here torch's "
        "autocast in float16"
    ),
    test="microsoft/unilm, beit/datasets.py",
)
