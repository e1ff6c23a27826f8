"""What all demo recipes share: short loops counted in iterations, layer-wise decay, one process without workers."""

layer_decay = 0.9
optim_wrapper = dict(
    type="OptimWrapper",
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=layer_decay),
    optimizer=dict(type="AdamW", betas=(0.9, 0.999), weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    runtime_info=dict(type="RuntimeInfoHook"),
    timer=dict(type="IterTimerHook"),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    logger=dict(type="LoggerHook", interval=50),
    param_scheduler=dict(type="ParamSchedulerHook"),
    # Two: while one is written the other is whole.
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=100, max_keep_ckpts=2),
)
log_processor = dict(type="LogProcessor", by_epoch=False, window_size=50)
