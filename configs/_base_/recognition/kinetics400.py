"""What the full-size Kinetics-400 recipes share: mmaction2's lists and folders, our readers, the last checkpoint.

Clips are sampled, cropped and shown by mmaction2's transforms; videos are decoded by PyAV. There is no validation in
training: it would show one clip and one crop, and its number is not that of the test.
"""

default_scope = "mmaction"
task = "recognition"
data = "k400"
data_root = "data/kinetics400/"
data_parts = [
    "kinetics400_train_list_videos.txt",
    "kinetics400_val_list_videos.txt",
    "videos_train",
    "videos_val",
]

train_dataloader = dict(
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="simmim_eval.Kinetics",
        num_classes=400,
        ann_file=data_root + "kinetics400_train_list_videos.txt",
        data_prefix=dict(video=data_root + "videos_train"),
    ),
)
test_dataloader = dict(
    batch_size=1,  # its views are a batch already
    num_workers=8,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="simmim_eval.Kinetics", num_classes=400, test_mode=True),
)
test_evaluator = dict(type="simmim_eval.Accuracy")
test_cfg = dict(type="TestLoop")
splits = dict(
    val=dict(
        dataloader=dict(
            dataset=dict(
                ann_file=data_root + "kinetics400_val_list_videos.txt",
                data_prefix=dict(video=data_root + "videos_val"),
            )
        )
    )
)

default_hooks = dict(
    runtime_info=dict(type="RuntimeInfoHook"),
    timer=dict(type="IterTimerHook"),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    logger=dict(type="LoggerHook", interval=100),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=3, max_keep_ckpts=1),
)
