"""What the README tells a reader to type works."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import simmim_eval.compat  # noqa: F401
from simmim_eval.cli.main import app
from simmim_eval.engine.recipe import find_config

README = (Path(__file__).parents[2] / "README.md").read_text()
MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text()
COMMANDS = re.findall(r"(?:^|`)(simmim-eval [a-z]+ [^`\n]+)", README, re.MULTILINE)


def test_make_targets_exist():
    targets = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert {"demo", "test", "check"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse_and_recipes_exist(line):
    words = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    context = group.make_context(line, words)
    for name in ("config", "suite"):
        if context.params.get(name):
            assert find_config(context.params[name]).is_file()


@pytest.mark.slow
def test_our_backbone_in_a_stock_config():
    from mmdet.registry import MODELS
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import DefaultScope

    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    config = Config.fromstring(block, file_format=".py")
    config.model.backbone.arch = dict(embed_dim=16, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8))
    config.model.neck.in_channels = [16, 32, 64, 128]
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(config.model)
        wrapper = build_optim_wrapper(model, config.optim_wrapper)
    assert type(model.backbone).__module__.startswith("simmim_eval.backbones")
    rates = {group["name"]: group["lr"] for group in wrapper.optimizer.param_groups if "name" in group}
    assert rates["layer_0_decay"] == pytest.approx(1e-4 * 0.9**9)
    assert rates["layer_9_decay"] == pytest.approx(1e-4)
