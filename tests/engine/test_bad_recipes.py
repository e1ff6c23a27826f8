"""Recipes that cannot run say so before anything is read or trained: the file, the field, the mend."""

import os
import re
from pathlib import Path

import pytest
from demo_case import CONFIGS, RECIPES
from hard_recipe import PLAIN, hard_request, write_recipe
from mmengine.config import Config
from torch import nn

from simmim_eval.backbones import Swin
from simmim_eval.engine.faults import explained
from simmim_eval.engine.identity import backbone_spec, init_profile
from simmim_eval.engine.plug import backbone_config, backbone_of
from simmim_eval.engine.prepare import prepare
from simmim_eval.engine.recipe import read_config
from simmim_eval.errors import ConfigError, UserError

STOCK = f"""
_base_ = ["{CONFIGS / RECIPES["detection"]}"]
model = dict(backbone=dict(_delete_=True, type="ResNet", depth=18, OPTION))
"""


def refused(path: Path, data_root: Path, **changes) -> str:
    with pytest.raises(UserError) as fault:
        prepare(hard_request(path, data_root, **changes))
    message = str(fault.value)
    assert message.startswith(f"{path}: ") or message.startswith("--")
    return message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("model['backbone']['frozen_stages'] = 7", ("backbone.frozen_stages is 7", "expected -1")),
        ("model['backbone']['out_indices'] = (0, 4)", ("out_indices", "4")),
        ("optim_wrapper['optimizer']['lr'] = None", ("optim_wrapper.optimizer.lr is None", "expected a number")),
        ("optim_wrapper['optimizer'] = dict(_delete_=True, type='SGD')", ("optim_wrapper.optimizer.lr is None",)),
        ("optim_wrapper['type'] = 'ApexOptimWrapper'", ("optim_wrapper.type is 'ApexOptimWrapper'",)),
        ("optim_wrapper['accumulative_counts'] = 2", ("accumulative_counts is 2", "base_batch_size")),
        ("auto_scale_lr['base_batch_size'] = 0", ("base_batch_size is 0", "from 1")),
        ("train_cfg['type'] = 'TeacherStudentLoop'", ("train_cfg.type is 'TeacherStudentLoop'",)),
        ("train_dataloader['sampler'] = dict(_delete_=True, type='ClassAwareSampler')", ("sampler.type", "wrap the")),
        ("model['backbone'] = dict(_delete_=True, arch='nano')", ("model.backbone is missing",)),
        ("model['backbone'] = dict(_delete_=True, type='mmpretrain.ViT')", ("backbone.type", "install 'mmpretrain'")),
    ],
)  # fmt: skip
def test_one_wrong_line(demo_root, tmp_path, more, words):
    message = refused(write_recipe(tmp_path, PLAIN, more=more), demo_root)
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_a_generator_refuses(demo_root, tmp_path, seed):
    assert f"--seed {seed}: expected" in refused(write_recipe(tmp_path, PLAIN), demo_root, seed=seed)


@pytest.mark.parametrize("option", ["out_indices=(0, 1, 7)", "frozen_stages=9"])
def test_a_stage_that_a_stock_backbone_does_not_have(demo_root, tmp_path, option):
    """mmdet asserts the one without a word and looks up an attribute for the other."""
    message = refused(write_recipe(tmp_path, STOCK.replace("OPTION", option)), demo_root)
    assert "out_indices" in message


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("x = __import__('nothing_like_it.inside')", "nothing_like_it"),
        ("_base_ = 'mmpretrain::_base_/default_runtime.py'", "mmpretrain"),
        ("custom_imports = dict(imports=['mmpose.models'], allow_failed_imports=False)", "mmpose"),
    ],
)
def test_a_config_that_needs_a_package(tmp_path, line, package):
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\n")
    with pytest.raises(ConfigError) as fault:
        read_config(path)
    assert str(fault.value).startswith(f"{path}: needs the package {package}, which is not installed. Install it: pip")


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ModuleNotFoundError("No module named 'cv2'", name="cv2"), "pip install 'opencv-python-headless'"),
        (ModuleNotFoundError("No module named 'a.b'", name="a.b"), "the package a, "),
        (ImportError('Package lvis is not installed. Please run "pip install git+https://x".'), "install git+https"),
        (RuntimeError("panopticapi is not installed, please do: pip install\ngit+https://y"), "pip install git+"),
    ],
)  # fmt: skip
def test_a_part_that_is_not_installed(error, word):
    with pytest.raises(ConfigError, match=re.escape(word)), explained(Path("mine.py"), Config({})):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), ImportError("cannot import name 'x' from 'y'")])
def test_other_failures_stay_what_they_are(error):
    with pytest.raises(type(error)) as kept, explained(Path("mine.py"), Config({})):
        raise error
    assert kept.value is error


def test_an_assert_of_a_test_is_no_fault_of_a_recipe():
    with pytest.raises(AssertionError), explained(Path("mine.py"), Config({})):
        assert os.sep == "x"


class Outer(nn.Module):
    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone


def test_a_backbone_inside_another():
    inner = {"type": "simmim_eval.Swin", "arch": "nano", "frozen_stages": 1, "norm_eval": True}
    model = {"backbone": {"type": "simmim_eval.Frames", "backbone": inner}}
    optim_wrapper = {"optimizer": {"type": "SGD", "lr": 0.1}, "paramwise_cfg": None}
    config = Config({"model": model, "optim_wrapper": optim_wrapper})
    backbone_config(config).init_cfg = {"type": "simmim_eval.Pretrained"}
    assert config.model.backbone.backbone.init_cfg.type == "simmim_eval.Pretrained"
    assert backbone_spec(config).name == "simmim_eval.Swin"
    profile = init_profile(config, None, "block")
    assert (profile.frozen_stages, profile.norm_eval, profile.decay_rule) == (1, True, "block")
    assert (profile.normalisation, profile.layer_decay, profile.weight_decay) == ("none", None, 0.0)

    swin = Swin("nano")
    assert backbone_of(Outer(Outer(swin))) is swin
    assert backbone_of(Outer(swin)) is swin
    stock = nn.Linear(1, 1)
    assert backbone_of(Outer(stock)) is stock
