"""What enters the id of a run, and what does not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from demo_case import CONFIGS, RECIPES, request

from simmim_eval.backbones import Swin
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import PreparedRun, prepare


@pytest.fixture(scope="module")
def plain(demo_root) -> PreparedRun:
    return prepare(request("classification", demo_root))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "swin.pth"
    state = Swin("nano", img_size=48, out_indices=(2,)).state_dict()
    torch.save({"state_dict": {f"backbone.{name}": value for name, value in state.items()}}, path)
    return path


def run_id(*args, **changes) -> str:
    return prepare(request(*args, **changes)).run_id


def test_the_place_of_the_data_does_not_enter(plain, demo_root, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").symlink_to(demo_root)
    assert run_id("classification", tmp_path / "elsewhere") == plain.run_id
    shutil.copytree(demo_root / "imagenet", tmp_path / "copy" / "imagenet")
    monkeypatch.chdir(tmp_path)
    assert run_id("classification", Path("copy")) == plain.run_id


@pytest.mark.parametrize("name", ["train_dataloader.num_workers", "test_dataloader.num_workers"])
def test_workers_do_not_enter(plain, demo_root, name):
    assert run_id("classification", demo_root, options={name: 2}) == plain.run_id


def test_the_place_of_the_recipe_does_not_enter(plain, demo_root, tmp_path):
    path = tmp_path / "copy.py"
    path.write_text(f'_base_ = ["{CONFIGS / RECIPES["classification"]}"]\n')
    assert prepare(replace(plain.request, config=str(path))).run_id == plain.run_id


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"split": "tune"},
        {"init_seed": 1},
        {"options": {"train_cfg.max_iters": 3}},
        {"options": {"optim_wrapper.optimizer.lr": 0.123}},
        {"options": {"optim_wrapper.paramwise_cfg.layer_decay": 0.5}},
        {"options": {"model.data_preprocessor.mean": [0.0, 0.0, 0.0]}},
        {"options": {"train_dataloader.dataset.pipeline.1.color_jitter": 0.7}},
        {"options": {"test_dataloader.dataset.pipeline.1.crop_pct": 1.0}},
    ],
    ids=str,
)
def test_what_may_change_a_number_enters(plain, demo_root, changes):
    assert run_id("classification", demo_root, **changes) != plain.run_id


def test_data_enter(plain, demo_root, tmp_path):
    shutil.copytree(demo_root / "imagenet", tmp_path / "imagenet")
    next((tmp_path / "imagenet" / "train").rglob("*.jpg")).unlink()
    other = prepare(request("classification", tmp_path))
    assert other.run_id != plain.run_id
    assert other.protocol.data_fingerprint != plain.protocol.data_fingerprint


def test_three_initialisations_share_one_recipe_and_differ_in_id(plain, demo_root, checkpoint):
    runs = [plain] + [
        prepare(request("classification", demo_root, f"{kind}={checkpoint}")) for kind in ("simmim", "supervised")
    ]
    assert len({run.run_id for run in runs}) == 3
    for part in ("protocol", "budget", "init_profile", "backbone"):
        assert getattr(runs[0], part) == getattr(runs[1], part) == getattr(runs[2], part), part


def test_the_weights_enter_by_content_not_by_file(demo_root, checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    torch.save(state | {"epoch": 7}, tmp_path / "same.pth")
    state["state_dict"]["backbone.norm.bias"][0] += 1
    torch.save(state, tmp_path / "other.pth")
    first, same, other = (
        prepare(request("classification", demo_root, f"simmim={path}"))
        for path in (checkpoint, tmp_path / "same.pth", tmp_path / "other.pth")
    )
    assert first.run_id == same.run_id != other.run_id
    assert len(first.init_weights) == 64


def test_a_producer_inside_a_suite_enters_by_its_id(demo_root):
    init = InitSource("simmim", "run:0123456789abcdef")
    run = prepare(replace(request("classification", demo_root), init=init, produced_by="0123456789abcdef", init_seed=0))
    assert run.init_weights == "0123456789abcdef"


def test_a_recipe_differs_by_its_augmentation_but_not_by_its_profile(plain, demo_root):
    def recipe(**options):
        return prepare(request("classification", demo_root, options=options)).budget.recipe

    assert recipe() == plain.budget.recipe
    assert recipe(**{"train_dataloader.dataset.pipeline.1.color_jitter": 0.7}) != plain.budget.recipe
    assert recipe(**{"optim_wrapper.optimizer.lr": 0.5}) == plain.budget.recipe
    assert recipe(**{"test_dataloader.dataset.pipeline.1.crop_pct": 1.0}) == plain.budget.recipe


def test_profile_and_budget_say_what_the_recipe_does(plain, demo_root):
    profile, budget = plain.init_profile, plain.budget
    config = plain.config
    assert profile.base_lr == config.optim_wrapper.optimizer.lr
    assert profile.layer_decay == config.layer_decay
    assert profile.weight_decay == config.optim_wrapper.optimizer.weight_decay
    assert profile.normalisation == "mean 123.675 116.28 103.53, std 58.395 57.12 57.375"
    assert (profile.frozen_stages, profile.norm_eval) == (-1, False)
    assert (budget.iterations, budget.batch_size, budget.images_seen) == (2, 32, 64)
    assert (plain.protocol.metric, plain.protocol.num_samples) == ("top1", 15)


def test_three_views_of_a_clip_are_one_sample(demo_root):
    assert prepare(request("recognition", demo_root)).protocol.num_samples == 8
