"""Sizes of inputs, lengths, batches and groups of a dry run against mmcv, mmseg and the rules themselves."""

import mmcv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config

from simmim_eval.backbones import Swin
from simmim_eval.engine.dry_run import InputSize, dry_run, inspect
from simmim_eval.engine.dry_run.input_size import test_sizes as sizes_of_testing
from simmim_eval.engine.dry_run.input_size import train_size
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.errors import CheckpointError, ConfigError, DataError
from simmim_eval.optim import param_groups
from simmim_eval.registry import MODELS
from simmim_eval.weights import load

CLASSIFICATION = "classification/cls_swin-nano_1xb32-250i_demo.py"
SEGMENTATION = "segmentation/upernet_swin-nano_1xb8-240i_demo.py"
PRETRAINING = "pretrain/simmim_swin-base-w6_16xb128-100e_in1k-192px.py"


def recipe(train=(), test=(), resolution=96, model=None):
    loaders = {
        f"{name}_dataloader": dict(dataset=dict(pipeline=list(steps)))
        for name, steps in (("train", train), ("test", test))
    }
    return Config(dict(model=model or {}, resolution=resolution, **loaders))


RESIZE = dict(type="Resize", scale=(1333, 800), keep_ratio=True)
SHORTER = [dict(type="RandomChoiceResize", scales=[(side, 1333) for side in range(480, 801, 32)], keep_ratio=True)]
RANGE = dict(type="RandomResize", scale=[(1333, 640), (1333, 800)], keep_ratio=True)
RANDOM = dict(type="RandomResize", scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True)


@pytest.mark.parametrize(
    ("steps", "resolution", "expected"),
    [
        ([], 96, InputSize(96, 96)),
        ([], (480, 640), InputSize(480, 640)),
        ([], (8, 48, 64), InputSize(48, 64, frames=8)),
        ([dict(type="simmim_eval.TimmTransform", size=224, scale=(0.08, 1.0))], 96, InputSize(224, 224)),
        ([dict(type="simmim_eval.PretrainTransform", img_size=192)], 96, InputSize(192, 192)),
        ([RESIZE], 96, InputSize(800, 1067)),
        ([dict(type="Resize", scale=(640, 320))], 96, InputSize(320, 640)),
        ([dict(type="Resize", scale_factor=0.5)], 96, InputSize(240, 320)),
        (SHORTER, 96, InputSize(800, 1067, drawn=True)),
        (
            [dict(type="RandomChoiceResize", scales=[256, 512, 1024], max_size=2048)],
            96,
            InputSize(1024, 1365, drawn=True),
        ),
        ([dict(type="RandomChoice", transforms=[SHORTER, [RESIZE]])], 96, InputSize(800, 1067, drawn=True)),
        (
            [dict(type="RandomResize", scale=[(1333, 640), (1333, 800)], keep_ratio=True)],
            96,
            InputSize(800, 1067, drawn=True),
        ),
        ([RANDOM, dict(type="RandomCrop", crop_size=(512, 512))], 96, InputSize(512, 512)),
        ([RESIZE, dict(type="Pad", pad_to_square=True)], 96, InputSize(1067, 1067)),
        ([RESIZE, dict(type="Pad", size=(900, 1100))], 96, InputSize(900, 1100)),
        (
            [
                dict(type="SampleFrames", clip_len=32, frame_interval=2, num_clips=4),
                dict(type="Resize", scale=(-1, 224)),
                dict(type="ThreeCrop", crop_size=224),
                dict(type="FormatShape", input_format="NCTHW"),
            ],
            96,
            InputSize(224, 224, frames=32, views=12),
        ),
        (
            [
                dict(type="SampleFrames", clip_len=1, num_clips=25),
                dict(type="Resize", scale=(-1, 256)),
                dict(type="TenCrop", crop_size=224),
                dict(type="FormatShape", input_format="NCHW"),
            ],
            96,
            InputSize(224, 224, frames=1, views=250, by_frame=True),
        ),
    ],
)
def test_size_that_a_pipeline_gives(steps, resolution, expected):
    assert train_size(recipe(train=steps, resolution=resolution)) == expected


@settings(max_examples=40)
@given(st.integers(64, 3000), st.integers(64, 3000))
def test_resizing_is_mmcvs(longer, shorter):
    size = train_size(recipe(train=[dict(type="Resize", scale=(longer, shorter), keep_ratio=True)]))
    assert (size.width, size.height) == mmcv.image.rescale_size((640, 480), (longer, shorter))


@settings(max_examples=25)
@given(st.integers(100, 900), st.integers(1, 300), st.integers(1, 300))
def test_windows_are_mmsegs(side, crop, stride):
    model = dict(test_cfg=dict(mode="slide", crop_size=(crop, crop), stride=(stride, stride)))
    (size,) = sizes_of_testing(recipe(test=[], resolution=side, model=model))
    grid = max(side - crop + stride - 1, 0) // stride + 1  # mmseg, EncoderDecoder.slide_inference
    assert size.views == grid * grid
    assert size.height == size.width == min(side, crop)


def test_every_view_of_test_time_augmentation():
    flips = [dict(type="RandomFlip", prob=0.0), dict(type="RandomFlip", prob=1.0)]
    scales = [dict(type="Resize", scale=(640 * factor, 480 * factor), keep_ratio=True) for factor in (1, 2)]
    steps = [dict(type="TestTimeAug", transforms=[scales, flips, [dict(type="PackSegInputs")]])]
    assert sizes_of_testing(recipe(test=steps)) == [InputSize(480, 640, views=2), InputSize(960, 1280, views=2)]


def test_padding_to_a_divisor():
    config = recipe(train=[RESIZE], model=dict(data_preprocessor=dict(pad_size_divisor=32)))
    assert train_size(config) == InputSize(800, 1088)


@pytest.mark.parametrize("resolution", ["224", 0, (1, 2, 3, 4), (), 22.4, None])
def test_resolution_of_another_kind(resolution):
    with pytest.raises(ConfigError, match="resolution is"):
        train_size(recipe(resolution=resolution))


@pytest.mark.slow
def test_length_by_published_counts(tmp_path):
    plan = dry_run(PRETRAINING, {}, processes=16, data_root=tmp_path)
    assert (plan.length.steps, plan.length.epochs, plan.length.images) == (1_281_167 // 2048 * 100, 100, 128_000_000)
    assert (plan.batch.effective, plan.batch.micro, plan.batch.accumulation) == (2048, 128, 1)
    assert not plan.data.counted
    assert plan.data.missing == tmp_path / "train"
    assert plan.warm_up == "10 epochs from 0.005 of the rate"
    assert plan.flops == 3 * plan.train_flops * 128_000_000 + 50_000 * plan.test_flops


def test_length_by_the_data_that_are_there(demo_root):
    published, counted = (dry_run(CLASSIFICATION, {}, data_root=root) for root in (None, demo_root))
    assert (published.data.train, published.data.val, published.data.counted) == (250, 700, False)
    assert counted.data.counted
    assert counted.data.train == len(list((demo_root / "imagenet" / "train").glob("*/*")))
    assert counted.data.val == len(list((demo_root / "imagenet" / "val").glob("*/*")))
    assert published.length.epochs == 250 * 32 / 250
    assert counted.length.epochs == 250 * 32 / counted.data.train
    assert published.length.steps == counted.length.steps == 250


def test_broken_data_are_a_fault(tmp_path):
    (tmp_path / "imagenet").mkdir()
    with pytest.raises(DataError, match="imagenet"):
        dry_run(CLASSIFICATION, {}, data_root=tmp_path)


def test_data_of_unknown_size():
    plan = dry_run(CLASSIFICATION, {"data": "mine"})
    assert plan.length.epochs is None
    assert plan.data.train is None
    assert plan.flops == 3 * plan.train_flops * 250 * 32
    epochs = {"data": "mine", "train_cfg": dict(type="EpochBasedTrainLoop", max_epochs=2, _delete_=True)}
    with pytest.raises(ConfigError, match=r"data set 'mine' is not known.*--data-root"):
        dry_run(CLASSIFICATION, epochs)


def test_heads_of_another_width():
    with pytest.raises(ConfigError, match=r"upernet_swin-nano.*model.decode_head: its input does not fit"):
        dry_run(SEGMENTATION, {"model.decode_head.in_channels": [32, 64, 129]})


def test_batches_that_do_not_divide():
    with pytest.raises(ConfigError, match="cannot be shared evenly by 3 processes"):
        dry_run(CLASSIFICATION, {}, processes=3)


def test_groups_are_the_optimisers_own():
    config, groups = inspect(SEGMENTATION, {})
    expected = param_groups(MODELS.build(config.model), 3e-3, 0.05, 0.9)
    assert [(one.name, one.layer, one.lr, one.weight_decay, one.tensors) for one in groups] == [
        (one.name, one.layer, one.lr, one.weight_decay, len(one.params)) for one in expected
    ]
    assert [one.parameters for one in groups] == [sum(p.numel() for p in one.params.values()) for one in expected]
    assert [one.scale for one in groups] == pytest.approx([0.9 ** (5 - one.layer) for one in expected])


FOREIGN = dict(type="mmseg.ResNet", depth=18, out_indices=(1, 2, 3), frozen_stages=1, norm_eval=True, _delete_=True)
HEADS = {
    "model.decode_head.in_channels": [128, 256, 512],
    "model.auxiliary_head.in_channels": 512,
    "model.backbone": FOREIGN,
}


def test_groups_of_a_foreign_backbone_with_frozen_stages():
    _, groups = inspect(SEGMENTATION, HEADS)
    trained = [one for one in groups if one.name != "frozen"]
    # ResNet-18: the stem, eight blocks of which stage 1 has two, and the head
    assert sorted({one.layer for one in trained}) == [3, 4, 5, 6, 7, 8, 9]
    assert groups[-1].name == "frozen"
    assert groups[-1].parameters == 9408 + 128 + 4 * (9 * 64 * 64 + 128)


def test_groups_of_upstreams_own_constructor():
    keys = dict(custom_keys={"backbone": dict(lr_mult=0.1)}, norm_decay_mult=0.0)
    options = {"optim_wrapper.constructor": "DefaultOptimWrapperConstructor", "optim_wrapper.paramwise_cfg": keys}
    options["optim_wrapper.paramwise_cfg"] |= {"_delete_": True}
    config, groups = inspect(SEGMENTATION, options)
    found = {(round(one.scale, 6), one.weight_decay) for one in groups}
    assert found == {(0.1, 0.05), (1.0, 0.05), (1.0, 0.0)}  # a custom key has the last word in the backbone
    assert len(groups) == len(found)
    assert sum(one.parameters for one in groups) == sum(p.numel() for p in MODELS.build(config.model).parameters())
    assert {one.layer for one in groups} == {None}


def test_a_checkpoint_is_tried(data_dir):
    source = data_dir / "checkpoints" / "simmim_swin_pretrain.pth"
    arch = dict(embed_dim=4, depths=(1, 2, 2, 1), num_heads=(1, 2, 2, 4))
    swin = dict(type="simmim_eval.Swin", arch=arch, window_size=6, img_size=96, out_indices=(3,), _delete_=True)
    plan = dry_run(CLASSIFICATION, {"model.backbone": swin}, init=InitSource("simmim", str(source)))
    report = load(Swin(arch, img_size=96, window_size=6, out_indices=(3,)), source)
    assert plan.init == report.summary()
    with pytest.raises(CheckpointError, match="Swin"):
        dry_run(CLASSIFICATION, {}, init=InitSource("simmim", str(source)))


def test_a_checkpoint_that_is_not_there_or_elsewhere():
    with pytest.raises(CheckpointError, match="nowhere"):
        dry_run(CLASSIFICATION, {}, init=InitSource("simmim", "nowhere/last.pth"))
    plan = dry_run(CLASSIFICATION, {}, init=InitSource("supervised", "timm:swin_tiny_patch4_window7_224"))
    assert plan.init == "not read: a dry run fetches nothing"
