"""Checkpoints that cannot be used, through the command line: one message, exit code 2, nothing written."""

import os
import pickle
from pathlib import Path

import pytest
import torch

from simmim_eval.backbones import Swin

NOT_NANO = {"embed_dim": 32, "depths": (1, 2, 2), "num_heads": (1, 2, 4), "window_size": (6, 6, 3)}


def save(path: Path, backbone: Swin) -> Path:
    torch.save({"state_dict": {f"backbone.{name}": value for name, value in backbone.state_dict().items()}}, path)
    return path


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def truncated(folder: Path) -> Path:
    path = save(folder / "cut.pth", Swin("nano"))
    path.write_bytes(path.read_bytes()[:5000])
    return path


def no_checkpoint(folder: Path) -> Path:
    path = folder / "notes.pth"
    path.write_text("these are notes, not weights")
    return path


def hostile(folder: Path) -> Path:
    path = folder / "hostile.pth"
    torch.save({"state_dict": {"backbone.norm.weight": torch.zeros(3)}, "extra": Bomb(folder / "ran")}, path)
    return path


def hostile_old_style(folder: Path) -> Path:
    path = folder / "hostile.pkl"
    path.write_bytes(pickle.dumps({"model": Bomb(folder / "ran")}, protocol=2))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (truncated, ["truncated", "again"]),
        (no_checkpoint, ["not a checkpoint"]),
        (hostile, ["mkdir", "nothing of it was run"]),
        (hostile_old_style, ["mkdir", "nothing of it was run"]),
        (lambda folder: folder / "absent.pth", ["no such checkpoint file"]),
        (lambda folder: save(folder / "deeper.pth", Swin(NOT_NANO)), ["does not fit the backbone", "arch='nano'"]),
    ],
    ids=["truncated", "text", "hostile", "hostile-pickle", "absent", "deeper-swin"],
)
def test_an_unusable_file(transfer, tmp_path, make, words):
    path = make(tmp_path)
    transfer("classification", init=f"simmim={path}").refuses(path, *words)
    assert not (tmp_path / "work").exists()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("recipe", ["classification", "detection", "recognition"])
def test_a_vit_is_no_swin(transfer, tmp_path, data_dir, recipe):
    path = data_dir / "checkpoints" / "timm_vit.safetensors"
    transfer(recipe, init=f"other_ssl={path}").refuses(path)
    assert not (tmp_path / "work").exists()


def test_evaluate_wants_the_model_of_the_recipe(cli, demo_root, tmp_path):
    from demo_case import RECIPES

    path = save(tmp_path / "backbone.pth", Swin("nano", img_size=48, out_indices=(2,)))
    arguments = ["--config", RECIPES["classification"], "--data-root", demo_root]
    cli("evaluate", path, *arguments).refuses(path, "head", "is missing", "last.pth")

    state = torch.load(path, weights_only=True)["state_dict"]
    wider = {"head.weight": torch.zeros(7, 128), "head.bias": torch.zeros(7)}
    torch.save({"state_dict": state | wider}, path)
    cli("evaluate", path, *arguments).refuses(path, "(7, 128)", "last.pth")
