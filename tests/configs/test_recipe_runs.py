"""The recipes whose parts no demo uses, run by the engine on miniature data: LAMB, binary targets, averaged weights."""

import math

import pytest
import torch
from recipe_files import CONFIGS

from simmim_eval.engine.execute import CHECKPOINT_FILE, evaluate, execute
from simmim_eval.engine.initialisation import InitSource
from simmim_eval.engine.prepare import RunRequest, prepare
from simmim_eval.weights import read_checkpoint

SHORTER = """
_base_ = [{path!r}]
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
test_dataloader = dict(batch_size=4, num_workers=0)
auto_scale_lr = dict(base_batch_size=8)
train_cfg = dict(max_epochs=1)
optim_wrapper = dict(dtype="bfloat16")
model = dict(
    num_classes=5,
    data_preprocessor=dict(num_classes=5),
    backbone=dict(depth=None, arch=dict(layers=(1,) * 4, base_channels=4)),
)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cls_resnet50_8xb256-300e-ld70_in1k-224px", "cls_resnet50-rsb-a3_8xb256-100e_in1k-160px"]
)
def test_resnet_recipe_runs_and_is_evaluated_again(name, demo_root, tmp_path):
    path = tmp_path / "shorter.py"
    path.write_text(SHORTER.format(path=str((CONFIGS / "classification" / f"{name}.py").resolve())))
    request = RunRequest(str(path), InitSource.parse("from_scratch"), demo_root / "imagenet")
    run = prepare(request)
    assert run.budget.batch_size == 8
    assert run.precision == "amp-bfloat16"
    assert run.init_profile.decay_rule == ("group" if "ld70" in name else "block")
    record = execute(run, tmp_path / "run", tmp_path)
    assert all(math.isfinite(metric.value) for metric in record.metrics)
    again = evaluate(run, tmp_path / "run" / CHECKPOINT_FILE, tmp_path / "again")
    assert [metric.value for metric in again] == [metric.value for metric in record.metrics]
    state = read_checkpoint(tmp_path / "run" / CHECKPOINT_FILE).state
    assert all(torch.isfinite(value).all() for value in state.values())
