"""fp32, fp16 and bf16 are the recipe's, and a machine that lacks one says so before it trains."""

import pytest
import torch
from hard_recipe import PLAIN, hard_request, run_here, write_recipe
from mmengine.config import Config
from torch import nn

from simmim_eval.engine.execute import evaluate
from simmim_eval.engine.precision import CpuAmpOptimWrapper, check_device, on_this_device, precision
from simmim_eval.engine.prepare import prepare
from simmim_eval.errors import ConfigError

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has float16")


@pytest.mark.parametrize(
    ("wrapper", "expected"),
    [
        ({}, "fp32"),
        ({"type": "OptimWrapper"}, "fp32"),
        ({"type": "AmpOptimWrapper"}, "amp-float16"),
        ({"type": "AmpOptimWrapper", "dtype": None}, "amp-float16"),
        ({"type": "mmengine.AmpOptimWrapper", "dtype": "bfloat16"}, "amp-bfloat16"),
    ],
)
def test_words_of_the_record(wrapper, expected):
    assert precision(Config({"optim_wrapper": wrapper})) == expected


@pytest.mark.parametrize(
    ("wrapper", "word"),
    [
        ({"type": "ApexOptimWrapper"}, "optim_wrapper.type is 'ApexOptimWrapper'"),
        ({"type": "AmpOptimWrapper", "dtype": "float64"}, "optim_wrapper.dtype is 'float64'"),
        ({"type": "AmpOptimWrapper", "dtype": "fp16"}, "expected 'float16' or 'bfloat16'"),
    ],
)
def test_other_precisions_are_refused(wrapper, word):
    with pytest.raises(ConfigError, match=word):
        precision(Config({"optim_wrapper": wrapper}))


@no_gpu
def test_on_a_cpu_bfloat16_is_computed_where_it_is_safe():
    stated = {"type": "AmpOptimWrapper", "dtype": "bfloat16", "loss_scale": "dynamic", "clip_grad": {"max_norm": 1.0}}
    assert on_this_device(stated) == {"type": CpuAmpOptimWrapper, "clip_grad": {"max_norm": 1.0}}
    assert on_this_device({"type": "OptimWrapper"}) == {"type": "OptimWrapper"}
    layer = nn.Linear(4, 3)
    wrapper = CpuAmpOptimWrapper(torch.optim.SGD(layer.parameters(), lr=0.5))
    with wrapper.optim_context(layer):
        narrow = layer(torch.ones(2, 4))
    assert narrow.dtype == torch.bfloat16
    before = layer.weight.detach().clone()
    wrapper.update_params(narrow.float().sum())
    assert layer.weight.dtype == torch.float32
    torch.testing.assert_close(layer.weight, before - 0.5 * 2 * torch.ones(3, 4))
    assert layer(torch.ones(2, 4)).dtype == torch.float32


@no_gpu
def test_float16_needs_a_gpu(demo_root, tmp_path):
    """To train; the recipe can be read, and its weights evaluated."""
    check_device("fp32")
    check_device("amp-bfloat16")
    path = write_recipe(tmp_path / "recipe", PLAIN, more="optim_wrapper['type'] = 'AmpOptimWrapper'\n")
    ask = hard_request(path, demo_root, options={"train_cfg.max_iters": 2})
    run = prepare(ask)
    assert run.precision == "amp-float16"
    with pytest.raises(ConfigError, match="float16, which needs a GPU") as fault:
        run_here(ask, tmp_path)
    assert str(fault.value).startswith(f"{path}: ")

    wide = hard_request(write_recipe(tmp_path / "wide", PLAIN), demo_root, options={"train_cfg.max_iters": 2})
    record = run_here(wide, tmp_path)
    assert evaluate(run, tmp_path / record.artifacts["checkpoint"], tmp_path / "evaluated") == record.metrics

    more = "optim_wrapper.update(type='AmpOptimWrapper', dtype='bfloat16')\n"
    bfloat16 = hard_request(write_recipe(tmp_path / "narrow", PLAIN, more=more), demo_root)
    narrow = run_here(hard_request(bfloat16.config, demo_root, options={"train_cfg.max_iters": 2}), tmp_path)
    assert (narrow.precision, record.precision) == ("amp-bfloat16", "fp32")
    assert len({run.run_id, record.run_id, narrow.run_id}) == 3
    states = [torch.load(tmp_path / one.artifacts["checkpoint"], weights_only=True) for one in (record, narrow)]
    wide_head, narrow_head = (state["state_dict"]["head.weight"] for state in states)
    assert narrow_head.dtype == torch.float32 and not torch.equal(wide_head, narrow_head)
    torch.testing.assert_close(wide_head, narrow_head, atol=5e-3, rtol=0)
