"""A user's own config with our backbone under the ``tools/train.py`` that each library ships."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parent / "user_configs"
LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
SMALL_DETECTOR = {
    "model.train_cfg.rpn.sampler.num": 16,
    "model.train_cfg.rpn_proposal.nms_pre": 50,
    "model.train_cfg.rpn_proposal.max_per_img": 20,
    "model.train_cfg.rcnn.sampler.num": 16,
    "model.test_cfg.rpn.nms_pre": 20,
    "model.test_cfg.rpn.max_per_img": 5,
}


def stock_tool(library: str, name: str) -> Path:
    spec = importlib.util.find_spec(library)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / ".mim" / "tools" / name


def run_stock_tool(library: str, arguments: list[str], options: dict[str, object], folder: Path) -> str:
    """The output of a stock tool that ends well; ``options`` become ``--cfg-options``."""
    quiet = {f"{loader}.num_workers": 0 for loader in LOADERS} | {
        f"{loader}.persistent_workers": False for loader in LOADERS
    }
    command = [sys.executable, "-W", "ignore", "-m", "simmim_eval.compat", *arguments]
    command += ["--work-dir", str(folder), "--cfg-options"]
    command += [f"{key}={value}" for key, value in (quiet | options).items()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def train(library: str, options: dict[str, object], folder: Path) -> Path:
    """Train by the stock tool; the checkpoint that it leaves."""
    config = CONFIGS / f"{library}_swin.py"
    run_stock_tool(library, [str(stock_tool(library, "train.py")), str(config)], options, folder)
    return Path((folder / "last_checkpoint").read_text())


def check_backbone(checkpoint: Path, expected: str) -> None:
    from simmim_eval.weights import read_checkpoint

    assert expected in read_checkpoint(checkpoint).state


@pytest.mark.slow
def test_mmdet(data_dir: Path, tmp_path: Path) -> None:
    root = data_dir / "mini_coco"
    options: dict[str, object] = SMALL_DETECTOR | {f"{loader}.dataset.data_root": f"{root}/" for loader in LOADERS}
    for part, split in (("val_evaluator", "val"), ("test_evaluator", "val")):
        options[f"{part}.ann_file"] = f"{root}/annotations/instances_{split}2017.json"
    options |= {"train_cfg.max_epochs": 1, "train_dataloader.dataset.pipeline.2.scale": "(128,96)"}
    for loader in LOADERS[1:]:
        options[f"{loader}.dataset.pipeline.1.scale"] = "(128,96)"
    checkpoint = train("mmdet", options, tmp_path)
    check_backbone(checkpoint, "backbone.layers.2.blocks.1.attn.relative_position_bias_table")
    output = run_stock_tool(
        "mmdet",
        [str(stock_tool("mmdet", "test.py")), str(CONFIGS / "mmdet_swin.py"), str(checkpoint)],
        options,
        tmp_path,
    )
    assert "bbox_mAP" in output or "testing results of the whole dataset is empty" in output


@pytest.mark.slow
def test_mmseg(data_dir: Path, tmp_path: Path) -> None:
    root = data_dir / "mini_ade20k"
    options: dict[str, object] = {f"{loader}.dataset.data_root": f"{root}/" for loader in LOADERS}
    options |= {"train_cfg.max_iters": 2, "train_cfg.val_interval": 2, "default_hooks.checkpoint.interval": 2}
    options |= {"train_dataloader.dataset.pipeline.3.crop_size": "(64,64)", "model.data_preprocessor.size": "(64,64)"}
    for loader in LOADERS[1:]:
        options[f"{loader}.dataset.pipeline.1.scale"] = "(128,64)"
    checkpoint = train("mmseg", options, tmp_path)
    check_backbone(checkpoint, "backbone.layers.3.blocks.0.attn.relative_position_bias_table")


@pytest.mark.slow
def test_mmaction(data_dir: Path, tmp_path: Path) -> None:
    root = data_dir / "mini_kinetics"
    options: dict[str, object] = {"train_cfg.max_epochs": 1, "train_cfg.val_interval": 1}
    options["default_hooks.checkpoint.interval"] = 1
    for loader, split in zip(LOADERS, ("train", "val", "val"), strict=True):
        videos = sorted((root / f"videos_{split}").rglob("*.mp4"))
        folder = root / f"videos_{split}"
        lines = [f"{video.relative_to(folder)} {label}" for label, video in enumerate(videos)]
        # Names with spaces would need another delimiter than the stock config's.
        (tmp_path / f"{split}.txt").write_text("\n".join(line for line in lines if line.count(" ") == 1) + "\n")
        options[f"{loader}.dataset.ann_file"] = tmp_path / f"{split}.txt"
        options[f"{loader}.dataset.data_prefix.video"] = folder
        options[f"{loader}.batch_size"] = 1
    checkpoint = train("mmaction", options, tmp_path)
    check_backbone(checkpoint, "backbone.patch_embed.proj.weight")
