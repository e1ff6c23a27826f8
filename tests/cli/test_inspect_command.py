"""``simmim-eval inspect`` on the command line: a table for people, JSON for machines, the whole recipe."""

import json

from mmengine.config import Config

from simmim_eval.engine.recipe import find_config, load_recipe

RECIPE = "segmentation/upernet_swin-nano_1xb8-240i_demo.py"
LAYERS, PARAMETERS = 6, 667_455


def test_a_table(cli):
    outcome = cli("inspect", RECIPE)
    assert outcome.code == 0, outcome.err
    lines = [line.split() for line in outcome.out.splitlines()]
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert lines[0] == ["group", "layer", "scale", "lr", "weight", "decay", "tensors", "parameters"]
    assert ["layer_0_decay", "0", "0.5905", "0.001771", "0.05", "1", "1,536"] in lines
    assert lines[-1] == ["total", "102", f"{PARAMETERS:,}"]


def test_json(cli):
    groups = json.loads(cli("inspect", RECIPE, "--json").out)
    assert {group["layer"] for group in groups} == set(range(LAYERS))
    assert sum(group["parameters"] for group in groups) == PARAMETERS
    assert set(groups[0]) == {"name", "layer", "scale", "lr", "weight_decay", "tensors", "parameters"}


def test_options_count(cli):
    option = ["--cfg-options", "optim_wrapper.paramwise_cfg.layer_decay=0.5"]
    groups = json.loads(cli("inspect", RECIPE, "--json", *option).out)
    assert {group["scale"] for group in groups} == {0.5**depth for depth in range(LAYERS)}


def test_the_whole_recipe(cli):
    out = cli("inspect", RECIPE, "--config").out
    text = out[: out.index(" group ")]
    config = load_recipe(find_config(RECIPE), {})
    assert Config.fromstring(text, ".py")._cfg_dict.to_dict() == config._cfg_dict.to_dict()


def test_faults_of_the_user(cli, tmp_path):
    cli("inspect", "suites/demo.py").refuses("has no task")
    cli("inspect", "segmentation/upernet.py").refuses("no such config")
    option = "optim_wrapper.paramwise_cfg.layer_decay=1.5"
    cli("inspect", RECIPE, "--cfg-options", option).refuses("layer_decay", "1.5")
    timm = "model.backbone={'type': 'simmim_eval.TimmBackbone', 'model_name': 'resnet18', 'out_indices': (2, 3, 4)}"
    cli("inspect", RECIPE, "--cfg-options", timm, "--cfg-options", "model.backbone.arch=nano").refuses("arch")
