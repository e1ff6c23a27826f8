"""What SimMIM pre-trainings on ImageNet-1K share: images of 192 pixels, masks, optimiser, loops.

Source: microsoft/SimMIM, config.py, data/data_simmim.py, optimizer.py. Two departures: the relative-position tables
get no weight decay (there they do, through a name that never matches), and at the end the validation images are
filled in under masks fixed by their index, to give the run a number.
"""

default_scope = "mmengine"
task = "pretraining"
method = "simmim"
labels_used = False
overlap = "unknown"
data = "in1k"
data_root = "data/imagenet/"
data_parts = ["train", "val"]
resolution = 192

train_dataloader = dict(
    batch_size=128,  # x 16 GPUs = 2048
    num_workers=8,
    persistent_workers=True,  # a worker that starts anew is seeded anew, and would repeat its crops and masks
    pin_memory=True,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root=data_root,
        split="train",
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.PretrainTransform",
                img_size=resolution,
                mask_patch_size=32,
                mask_ratio=0.6,  # 22 of 36 units
                crop_scale=(0.67, 1.0),
            ),
        ],
    ),
)
test_dataloader = dict(
    batch_size=128,
    num_workers=8,
    pin_memory=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="simmim_eval.ImageNet",
        data_root=data_root,
        pipeline=[
            dict(type="simmim_eval.LoadImage"),
            dict(
                type="simmim_eval.PretrainEvalTransform",
                img_size=resolution,
                mask_patch_size=32,
                mask_ratio=0.6,
            ),
        ],
    ),
)
test_evaluator = dict(type="simmim_eval.HiddenPixelL1")
test_cfg = dict(type="TestLoop")
splits = dict(val=dict(dataloader=dict(dataset=dict(split="val"))))

optim_wrapper = dict(
    type="AmpOptimWrapper",
    dtype="float16",
    loss_scale="dynamic",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=1.0),
    optimizer=dict(type="AdamW", betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
auto_scale_lr = dict(enable=False, base_batch_size=2048)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=50),
    checkpoint=dict(type="CheckpointHook", interval=5, max_keep_ckpts=1),
)
env_cfg = dict(cudnn_benchmark=True)

# What the recipes add: lr, schedule, warmup, drop_path, resolution.
sources = dict(
    optimizer="microsoft/SimMIM, config.py and optimizer.py: AdamW (0.9, 0.999), eps 1e-8",
    batch_size="microsoft/SimMIM, README: 16 GPUs x 128",
    weight_decay="microsoft/SimMIM, config.py; tables of relative positions and mask token exempt: ours, see above",
    layer_decay="microsoft/SimMIM, optimizer.py: none in pre-training",
    grad_clip="microsoft/SimMIM, config.py",
    augmentation="microsoft/SimMIM, data/data_simmim.py",
    precision="microsoft/SimMIM, config.py: apex O1; here torch's autocast in float16",
    test="ours: the validation images under masks fixed by their index, mean absolute error of hidden pixels",
)
