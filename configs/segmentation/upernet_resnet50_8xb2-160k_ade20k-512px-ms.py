"""UPerNet on ResNet-50, tested at six scales with flip; it trains as the recipe without -ms.

A checkpoint of that recipe can be evaluated under this one. Never compare the two tests.

Source: mmseg 1.2.2, configs/_base_/datasets/ade20k.py: the mean of the probabilities of 12 views.
Expected: ours; mmseg has 42.78 mIoU with its own stem from supervised weights.
Cost: as the recipe without -ms; the test costs some 20 times as much.
Command: simmim-eval evaluate CHECKPOINT --config segmentation/upernet_resnet50_8xb2-160k_ade20k-512px-ms.py \
    --data-root data/ade/ADEChallengeData2016
"""

_base_ = ["./upernet_resnet50_8xb2-160k_ade20k-512px.py"]

test_dataloader = dict(dataset=dict(pipeline=_base_.multi_scale_pipeline))
custom_hooks = [dict(type="PrepareTTAHook", tta_cfg=dict(type="mmseg.SegTTAModel"))]

sources = dict(test="mmseg 1.2.2, configs/_base_/datasets/ade20k.py: ratios 0.5 to 1.75 of 2048 x 512, with flip")
