"""The demo's recipes for ViT-nano and ResNet-nano: Swin-nano's in all but the model; transfers take what they made."""

import math
from functools import lru_cache

import pytest
import torch
from demo_case import CONFIGS, FEW
from demo_case import RECIPES as SWIN
from mmengine.registry import MODELS

from simmim_eval.engine.execute import CHECKPOINT_FILE, execute
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.plug import backbone_config
from simmim_eval.engine.prepare import RunRequest, prepare
from simmim_eval.engine.recipe import find_config, load_recipe
from simmim_eval.weights import load, read_checkpoint

FAMILIES = {"vit": "ViT-nano", "resnet": "ResNet-nano"}
TRANSFER = ("classification", "detection", "segmentation", "recognition")
PRETRAINING = ("simmim", "supervised")
TABLE = "relative_position_bias_table"
CLASS_ROWS = 3  # at the end of a table: from the class token, to it, to itself

each_family = pytest.mark.parametrize("family", FAMILIES)


def recipe_name(family: str, task: str) -> str:
    pattern = f"pretrain/{task}_" if task in PRETRAINING else f"{task}/*_"
    (path,) = CONFIGS.glob(f"{pattern}{family}-nano_*_demo.py")
    return path.relative_to(CONFIGS).as_posix()


@lru_cache
def recipe(name: str):
    """A recipe, read once; not to be changed."""
    return load_recipe(find_config(name), {})


def run_few_steps(family, task, root, folder, init="random"):
    request = RunRequest(recipe_name(family, task), InitSource.parse(init), root, options=FEW)
    return execute(prepare(request), folder, folder)


@pytest.fixture(scope="module")
def pretrained(demo_root, tmp_path_factory):
    """``pretrained("vit", "simmim")``: the record and the checkpoint of a few steps; each is run once."""
    done = {}

    def once(family, method):
        if (family, method) not in done:
            folder = tmp_path_factory.mktemp("run")
            done[family, method] = run_few_steps(family, method, demo_root, folder), folder / CHECKPOINT_FILE
        return done[family, method]

    return once


@pytest.mark.parametrize("task", [*PRETRAINING, *TRANSFER])
@each_family
def test_a_recipe_differs_from_swins_in_the_model_alone(family, task):
    """Data, steps, batch, rates and evaluation are equal; the backbone alone decides the cells of a mask."""
    swin, other = recipe(SWIN[task]), recipe(recipe_name(family, task))
    assert other.title == FAMILIES[family]
    assert other.model.data_preprocessor == swin.model.data_preprocessor
    first, second = swin._cfg_dict.to_dict(), other._cfg_dict.to_dict()
    if task == "simmim":
        stride = MODELS.build(backbone_config(other)).mask_stride
        for loader in ("train_dataloader", "test_dataloader"):
            assert second[loader]["dataset"]["pipeline"][1].pop("mask_stride") == stride
    assert {key for key in first.keys() | second.keys() if first.get(key) != second.get(key)} - {"seconds"} == {
        "title",
        "model",
    }


@pytest.mark.parametrize("method", PRETRAINING)
@each_family
def test_pretraining_runs(pretrained, family, method):
    record, _ = pretrained(family, method)
    assert (record.kind, record.method, record.title) == ("pretrain", method, FAMILIES[family])
    assert record.metrics and all(math.isfinite(metric.value) for metric in record.metrics)


@pytest.mark.parametrize(
    "task", [task if task == "classification" else pytest.param(task, marks=pytest.mark.slow) for task in TRANSFER]
)
@each_family
def test_transfer_runs_from_simmims_weights(pretrained, demo_root, tmp_path, family, task):
    _, file = pretrained(family, "simmim")
    record = run_few_steps(family, task, demo_root, tmp_path, f"simmim={file}")
    assert (record.kind, record.title, record.init.kind) == ("transfer", FAMILIES[family], "simmim")
    assert record.init.provenance.method == "simmim"
    assert record.init.missing == record.init.unexpected == 0
    assert record.metrics and all(math.isfinite(metric.value) for metric in record.metrics)


@pytest.mark.parametrize("method", PRETRAINING)
@pytest.mark.parametrize("task", TRANSFER)
@each_family
def test_every_tensor_is_accounted_for(pretrained, family, task, method):
    """What a transfer's backbone holds is the file's; what it leaves out is the mask token and a norm it has not."""
    _, path = pretrained(family, method)
    model = read_checkpoint(path).state
    file = {name.removeprefix("backbone."): value for name, value in model.items() if name.startswith("backbone.")}
    backbone = MODELS.build(backbone_config(recipe(recipe_name(family, task))))
    report = load(backbone, path)
    used = set()
    for name, value in backbone.state_dict().items():
        source = name if name in file else f"rel_pos_bias.{TABLE}"
        if name in {entry.name for entry in report.new}:
            assert name in ("norm.weight", "norm.bias") and method == "supervised" and task == "recognition"
        elif name.endswith(TABLE):
            assert_same_table(value, file[source])
            used.add(source)
        else:
            torch.testing.assert_close(of_a_still_clip(value), file[source], msg=name)
            used.add(source)
    assert not report.missing and not report.unexpected
    left_out = {"mask_token"} if method == "simmim" else set()
    if (family, method) == ("vit", "simmim") and task != "recognition":
        left_out |= {"norm.weight", "norm.bias"}
    assert file.keys() - used == left_out
    others = {name for name in model if not name.startswith("backbone.")}
    assert {entry.name for entry in report.dropped} == {f"backbone.{name}" for name in left_out} | others


def of_a_still_clip(value):
    """A convolution over time as it acts on one repeated frame; anything else as it is."""
    return value.sum(2) if value.dim() == 5 else value


def assert_same_table(table, image):
    """Equal at the image's size; for other grids and for clips, where no offset is and at the class token."""
    if table.shape == image.shape:
        assert torch.equal(table, image)
    here, there = (rows[[(len(rows) - CLASS_ROWS) // 2, -3, -2, -1]] for rows in (table, image))
    torch.testing.assert_close(here, there)
