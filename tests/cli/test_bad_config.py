"""Faults of a recipe, an option or the command line: one message that names the field, exit code 2, nothing written."""

from pathlib import Path

import pytest
from demo_case import CONFIGS, RECIPES


@pytest.fixture
def recipe(tmp_path):
    """A recipe that changes a demo one: ``recipe("detection", "model = dict(...)")``."""

    def write(base: str, *lines: str) -> Path:
        path = tmp_path / "mine.py"
        path.write_text("\n".join([f'_base_ = ["{CONFIGS / RECIPES[base]}"]', *lines]) + "\n")
        return path

    return write


@pytest.fixture(autouse=True)
def _nothing_is_written(tmp_path):
    yield
    assert not (tmp_path / "work").exists()


BACKBONE = "model = dict(backbone=dict(_delete_=True, type='simmim_eval.{}', {}))"


@pytest.mark.parametrize("base", ["classification", "detection", "segmentation", "recognition"])
def test_unknown_backbone(transfer, recipe, base):
    path = recipe(base, BACKBONE.format("Swinn", "arch='nano'"))
    transfer(path).refuses(path, "model.backbone.type", "'simmim_eval.Swinn'", "did you mean", "simmim_eval.Swin ")


@pytest.mark.parametrize("base", ["classification", "detection"])
def test_misspelt_argument_of_a_backbone(transfer, recipe, base):
    path = recipe(base, BACKBONE.format("Swin", "arhc='nano'"))
    transfer(path).refuses(path, "model.backbone.arhc", "did you mean arch?")


def test_misspelt_argument_of_a_data_set_goes_through_upstream_classes(transfer, recipe):
    path = recipe("segmentation", "train_dataloader = dict(dataset=dict(reduce_zero_lable=False))")
    transfer(path).refuses(path, "train_dataloader.dataset.reduce_zero_lable", "did you mean reduce_zero_label?")


def test_misspelt_argument_in_a_pipeline(transfer, recipe):
    path = recipe("detection", "train_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomFlip', probb=0.5)]))")
    transfer(path).refuses(path, "train_dataloader.dataset.pipeline.0.probb", "did you mean prob?")


def test_unknown_transform(transfer, recipe):
    path = recipe("segmentation", "train_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomCropp')]))")
    transfer(path).refuses(path, "train_dataloader.dataset.pipeline.0.type", "'RandomCropp'", "RandomCrop")


def test_missing_argument(transfer, recipe):
    path = recipe("classification", "model = dict(_delete_=True, type='simmim_eval.ImageClassifier')")
    transfer(path).refuses(path, "model.backbone is missing")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("task = 'detektion'", ["task is 'detektion'", "did you mean detection?"]),
        ("model = dict(backbone=dict(init_cfg=dict(type='simmim_eval.Pretrained')))", ["init_cfg", "--init"]),
        ("model = dict(backbone=dict(arch='huge'))", ["huge"]),
        ("1 / 0", ["cannot be read as a config", "ZeroDivisionError"]),
        ("model = dict(", ["cannot be read as a config"]),
    ],
)
def test_a_wrong_line(transfer, recipe, line, words):
    path = recipe("classification", line)
    transfer(path).refuses(path, *words)


@pytest.mark.parametrize(
    ("base", "place"),
    [("detection", "roi_head.bbox_head"), ("segmentation", "decode_head"), ("recognition", "cls_head")],
)
def test_a_head_with_too_few_classes(transfer, recipe, base, place):
    path = recipe(
        base, f"model = dict({place.replace('.', '=dict(')}=dict(num_classes=2)" + ")" * (place.count(".") + 1)
    )
    transfer(path).refuses(path, f"model.{place}.num_classes is 2", "classes. Set ")


def test_unknown_config(transfer):
    transfer("classification/cls_swin-nanno.py").refuses(
        "cls_swin-nanno.py", "no such config", RECIPES["classification"]
    )


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("model.backbone.archh=tiny", ["model.backbone.archh", "did you mean arch?"]),
        ("modle.backbone.arch=tiny", ["modle", "did you mean model?"]),
        ("train_dataloader.dataset.pipeline.9.size=3", ["train_dataloader.dataset.pipeline.9.size"]),
        ("train_cfg.max_iters", ["train_cfg.max_iters", "key=value"]),
        ("train_cfg.max_iters=many", ["train_cfg.max_iters", "'many'"]),
        ("train_cfg.max_iters=0", ["train_cfg.max_iters", "0"]),
        ("train_dataloader.batch_size=-3", ["train_dataloader.batch_size", "-3"]),
    ],
)
def test_wrong_option(transfer, option, words):
    transfer("classification", "--cfg-options", option).refuses(*words)


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("simim=a.pth", ["'simim'", "simmim", "random"]),
        ("simmim", ["simmim needs a checkpoint", "--init simmim=FILE"]),
        ("random=a.pth", ["random takes no checkpoint"]),
        ("from_scratch=a.pth", ["from_scratch takes no checkpoint"]),
        ("", ["--init is missing", "random", "simmim"]),
        ("simmim=run:0123456789abcdef", ["no completed run 0123456789abcdef"]),
    ],
)
def test_wrong_init(transfer, init, words):
    transfer("classification", init=init).refuses(*words)


def test_init_must_be_stated(cli, demo_root, tmp_path):
    outcome = cli("transfer", RECIPES["classification"], "--data-root", demo_root, "--work-dir", tmp_path / "work")
    outcome.refuses("--init is missing", "--init random", "simmim+supervised", "CHECKPOINT")


def test_unknown_split(transfer):
    transfer("classification", "--split", "test").refuses("--split test", "val", "tune")


@pytest.mark.parametrize(
    "option",
    [
        "train_dataloader.dataset.pipeline.1.mask_patch_size=10",
        "test_dataloader.dataset.pipeline.1.mask_patch_size=20",
        "model.mask_patch_size=10",
    ],
)
def test_mask_size_that_does_not_divide(cli, demo_root, tmp_path, option):
    arguments = ["--data-root", demo_root, "--work-dir", tmp_path / "work", "--cfg-options", option]
    outcome = cli("pretrain", RECIPES["simmim"], *arguments)
    outcome.refuses(RECIPES["simmim"], "mask_patch_size", option.partition("=")[2], "multiple")


def test_work_dir_that_cannot_be_made(transfer, tmp_path):
    (tmp_path / "file").write_text("")
    transfer("classification", work_dir=tmp_path / "file" / "work").refuses(tmp_path / "file", "--work-dir")
