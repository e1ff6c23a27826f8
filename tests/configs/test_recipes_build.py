"""Every full-size recipe: what it says of itself, its arithmetic, its model and its optimiser."""

import ast
import copy
import math
import re
import shlex

import pytest
import torch
from mmengine.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS, init_default_scope
from recipe_files import IDS, NAME, RECIPES, of, recipe

from simmim_eval.engine.batch import effective_batch
from simmim_eval.engine.plug import backbone_config, backbone_of
from simmim_eval.engine.precision import precision
from simmim_eval.engine.recipe import fields

SETTINGS = {
    "optimizer",
    "lr",
    "batch_size",
    "schedule",
    "warmup",
    "weight_decay",
    "layer_decay",
    "drop_path",
    "grad_clip",
    "augmentation",
    "resolution",
    "precision",
    "test",
}
TASKS = {"pretrain": "pretraining"}
TRAIN_SET = {"in1k": 1_281_167, "coco": 117_266, "k400": 240_436}  # COCO: images with boxes; Kinetics: mmaction2's copy
RULE = re.compile(r"(\d[\d.]*(?:e-?\d+)?) x (\d+) / (\d+)")
UPSTREAM = ("mmdet::", "mmseg::", "mmaction::")

each_recipe = pytest.mark.parametrize("path", RECIPES, ids=IDS)


def test_recipes_are_there():
    assert {path.parent.name for path in RECIPES} == {
        "pretrain",
        "classification",
        "detection",
        "segmentation",
        "recognition",
    }
    assert len({path.stem for path in RECIPES}) == len(RECIPES)


@each_recipe
def test_docstring_gives_source_expectation_cost_and_command(path):
    doc = ast.get_docstring(ast.parse(path.read_text()))
    places = [doc.index(f"\n{word}: ") for word in ("Source", "Expected", "Cost", "Command")]
    assert places == sorted(places)
    command = shlex.split(doc[places[-1] :].partition(": ")[2].partition("\n\n")[0].replace("\\\n", " "))
    assert command[0] == "simmim-eval"
    assert command[1] in (("pretrain",) if path.parent.name == "pretrain" else ("transfer", "evaluate"))
    assert f"{path.parent.name}/{path.name}" in command
    assert "--data-root" in command
    assert ("--init" in command) == (command[1] == "transfer")


@each_recipe
def test_fields_and_sources(path):
    config = recipe(path)
    assert config.task == TASKS.get(path.parent.name, path.parent.name)
    assert config.title
    assert config.data_root.endswith("/")
    assert set(config.sources) == SETTINGS
    assert all(isinstance(source, str) and source for source in config.sources.values())
    assert config.optim_wrapper.type in ("AmpOptimWrapper", "OptimWrapper")
    assert precision(config) in ("fp32", "amp-float16", "amp-bfloat16")


@each_recipe
def test_bases_are_one_upstream_and_one_of_ours(path):
    (bases,) = re.findall(r"^_base_ = (\[.*?\])", path.read_text(), re.MULTILINE | re.DOTALL)
    names = ast.literal_eval(bases)
    upstream = [name for name in names if name.startswith(UPSTREAM)]
    assert len(upstream) <= 1
    assert len(names) - len(upstream) <= 1


@each_recipe
def test_the_initialisation_is_no_part_of_it(path):
    config = recipe(path)
    backbone = backbone_config(config)
    assert backbone.type.startswith("simmim_eval.")
    assert not {"init_cfg", "pretrained"} & set(backbone)
    assert not [value for _, value in fields(config.model.to_dict(), "checkpoint") if value]
    assert not config.get("load_from")
    name = NAME.fullmatch(path.stem)
    assert not {"simmim", "supervised", "mae", "beit"} & set(re.split("[-_]", path.stem[name.end("head") :]))


@each_recipe
def test_batch_is_that_of_the_name(path):
    config, name = recipe(path), NAME.fullmatch(path.stem)
    assert name, path.stem
    own = config.train_dataloader.batch_size
    assert own == int(name["batch"])
    assert config.auto_scale_lr.enable is False
    assert effective_batch(config) == config.auto_scale_lr.base_batch_size == int(name["gpus"]) * own
    assert config.data == name["data"]
    if name["size"]:
        size = config.resolution if isinstance(config.resolution, int) else config.resolution[-1]
        assert size == int(name["size"])


@each_recipe
def test_arithmetic_of_rates_and_steps(path):
    config, text = recipe(path), path.read_text()
    rate, effective = config.optim_wrapper.optimizer.lr, effective_batch(config)
    for line in text.splitlines():
        if " lr=" in line or "(lr=" in line:
            for base, batch, per in RULE.findall(line):
                assert float(base) * int(batch) / int(per) == pytest.approx(rate)
                assert int(batch) == effective
    if "max_iters" in config.train_cfg:
        assert config.train_cfg.max_iters > 1000
        return
    loader, epochs = config.train_dataloader, config.train_cfg.max_epochs
    steps = TRAIN_SET[config.data] / effective
    steps = math.floor(steps) if loader.get("drop_last") else math.ceil(steps)
    assert f"{steps:,}" in text or f"= {steps}" in text
    assert f"{steps * epochs:,}" in text


@pytest.mark.parametrize("path", of("pretrain") + of("classification"), ids=lambda path: path.stem)
def test_published_rates_for_another_batch_are_shown(path):
    text = path.read_text()
    assert RULE.search(text) or "published for this very batch" in text


@pytest.mark.slow
@each_recipe
def test_model_and_groups_on_meta(path):
    config = recipe(path)
    init_default_scope(config.default_scope)
    model_config = copy.deepcopy(config.model)
    # Mixing draws from a distribution of torch, which checks its values: nothing of it is a parameter.
    blending = (model_config.get("data_preprocessor") or {}).pop("blending", None)
    with torch.device("meta"):
        model = MODELS.build(model_config)
    assert blending is None or MODELS.build(blending)
    wrapper = config.optim_wrapper
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        dict(
            type=wrapper.constructor,
            optim_wrapper_cfg=dict(type="OptimWrapper", optimizer=wrapper.optimizer),
            paramwise_cfg=wrapper.get("paramwise_cfg"),
        )
    )
    groups = constructor(model).optimizer.param_groups
    layers, decay = backbone_of(model).num_layers, wrapper.paramwise_cfg.layer_decay
    grouped = sum(len(group["params"]) for group in groups)
    assert grouped == sum(parameter.requires_grad for parameter in model.parameters())
    for group in groups:
        expected = wrapper.optimizer.lr * decay ** (layers - 1 - group["layer"]) if decay != 1 else wrapper.optimizer.lr
        assert group["lr"] == pytest.approx(expected)
        assert group["weight_decay"] in (0.0, wrapper.optimizer.weight_decay)


@each_recipe
def test_head_has_a_score_for_each_class(path):
    config = recipe(path)
    expected = {"in1k": 1000, "coco": 80, "ade20k": 150, "k400": 400}[config.data]
    found = {value for place, value in fields(config.model.to_dict(), "num_classes") if "rpn_head" not in place}
    assert found == (set() if config.task == "pretraining" else {expected})
