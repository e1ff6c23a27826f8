"""UPerNet on ViT-B with a pyramid from four blocks, for SimMIM's kind of ViT and any initialisation of it.

The backbone has what SimMIM and BEiT fine-tune: a table of relative positions in every block, layer scale, a class
token, no absolute positions, no last norm. BEiT has two recipes; this is the one for weights that saw no labels. MAE's
rate is 1e-4 with the same decay, for a ViT without layer scale: SimMIM's is BEiT's, so BEiT's 7e-4 is the default. The
rate belongs to what is tuned for each initialisation (--cfg-options optim_wrapper.optimizer.lr=1e-4).

Source: microsoft/unilm, beit/semantic_segmentation/configs/beit/upernet/
    upernet_beit_base_12_512_slide_160k_ade20k_pt.py. SimMIM's authors published no segmentation on ViT.
Expected: ours; no number of this recipe from SimMIM's weights was published.
Cost: 8 GPUs with 2 images each; 2.56 million crops of 512 x 512.
Command: simmim-eval transfer segmentation/upernet_vit-base-p16_8xb2-160k_ade20k-512px.py \
    --init KIND=SOURCE --data-root data/ade/ADEChallengeData2016
"""

_base_ = ["mmseg::_base_/models/upernet_beit.py", "../_base_/segmentation/ade20k.py"]

title = "ViT-B"
model = dict(
    # In testing an image that is smaller than the window is padded to it; a larger one stays as it is.
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(size=_base_.crop_size)),
    backbone=dict(
        _delete_=True,
        type="simmim_eval.ViT",
        arch="base",
        img_size=512,
        rel_pos="per_block",
        init_values=0.1,
        final_norm=False,
        out_indices=(3, 5, 7, 11),
        drop_path_rate=0.1,
    ),
    test_cfg=dict(mode="slide", crop_size=_base_.crop_size, stride=(341, 341)),
)

optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    paramwise_cfg=dict(layer_decay=0.65),
    optimizer=dict(type="AdamW", lr=7e-4, betas=(0.9, 0.999), weight_decay=0.05),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type="PolyLR", power=1.0, eta_min=0.0, by_epoch=False, begin=1500, end=_base_.max_iters),
]

upstream = (
    "microsoft/unilm, beit/semantic_segmentation/configs/beit/upernet/upernet_beit_base_12_512_slide_160k_ade20k_pt.py"
)
sources = dict(
    optimizer=upstream,
    lr=f"{upstream}; MAE has 1e-4",
    batch_size=upstream,
    schedule=upstream,
    warmup=upstream,
    weight_decay=f"{upstream}: vectors and biases are exempt",
    layer_decay=upstream,
    drop_path=upstream,
    grad_clip=f"none: {upstream}",
    resolution=upstream,
    precision=f"{upstream}: Apex there",
    test=f"{upstream}: shorter side 512, windows of 512 every 341 pixels, no flip; ours: smaller images are padded",
)
