"""Memory of a dry run against what PyTorch allocates, what autocast keeps, and closed forms."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import scaled_dot_product_attention
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from simmim_eval import compat
from simmim_eval.engine.dry_run import dry_run
from simmim_eval.engine.dry_run.kernels import GpuKernels
from simmim_eval.engine.dry_run.trial import kept_bytes
from simmim_eval.registry import MODELS

RECIPE = "classification/cls_swin-nano_1xb32-250i_demo.py"
BACKBONES = {
    "swin": dict(type="simmim_eval.Swin", arch="nano", out_indices=(0, 1, 2)),
    "swinv2": dict(type="simmim_eval.SwinV2", arch="nano", img_size=64, window_size=4),
    "resnet": dict(type="simmim_eval.ResNet", arch="nano"),
}
NARROW = [torch.float16, torch.bfloat16, torch.float16]
SIDE = 64


def build(backbone, device="meta"):
    compat.install()
    with torch.device(device):
        return MODELS.build(backbone).train()


def kept(model, narrow=None, batch=4):
    with kept_bytes(model) as total, GpuKernels(narrow):
        outputs = model(torch.empty(batch, 3, SIDE, SIDE, device="meta"))
        assert outputs
        return total()


@pytest.mark.parametrize("name", BACKBONES)
def test_activations_against_what_a_forward_pass_allocates(name):
    model = build(BACKBONES[name], "cpu")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        inputs = torch.randn(4, 3, SIDE, SIDE)
        outputs = model(inputs)
    assert outputs
    # What is still allocated afterwards: all that is kept, and the outputs and inputs, most of which are kept too.
    allocated = sum(event.self_cpu_memory_usage for event in profiler.events())
    assert kept(model.to("meta")) == pytest.approx(allocated, rel=0.1)


@pytest.mark.parametrize(("name", "narrow"), list(zip(BACKBONES, NARROW, strict=True)))
def test_autocast_keeps_what_pytorchs_own_keeps_on_a_gpu(name, narrow):
    model = build(BACKBONES[name])
    ours = kept(model, narrow)
    with FakeTensorMode(allow_non_fake_inputs=True):
        model.to_empty(device="cuda")
        before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
        torch.set_autocast_enabled("cuda", True)
        torch.set_autocast_dtype("cuda", narrow)
        try:
            with kept_bytes(model) as total:
                outputs = model(torch.empty(4, 3, SIDE, SIDE, device="cuda"))
                theirs = total()
        finally:
            torch.set_autocast_enabled("cuda", before[0])
            torch.set_autocast_dtype("cuda", before[1])
            torch.clear_autocast_cache()
    assert outputs
    assert ours == theirs


def test_fused_attention_keeps_no_weights_and_costs_the_same():
    batch, heads, tokens, channels = 2, 3, 1024, 16
    query, key, value = (
        torch.empty(batch, heads, tokens, channels, device="meta", requires_grad=True) for _ in range(3)
    )
    bias = torch.empty(1, heads, tokens, tokens, device="meta", requires_grad=True)
    for fused in (True, False):
        with kept_bytes(torch.nn.Module()) as total, FlopCounterMode(display=False) as counter:
            if fused:
                with GpuKernels():
                    output = scaled_dot_product_attention(query, key, value, bias)
            else:
                output = scaled_dot_product_attention(query, key, value, bias)
            size = total()
        assert output.shape == query.shape
        assert counter.get_total_flops() == 2 * 2 * batch * heads * tokens * tokens * channels
        rows, weights = 4 * batch * heads * tokens, 4 * batch * heads * tokens * tokens
        if fused:  # query, key, value, output, a number for each row, the bias; seed and place of a dropout
            assert size == 4 * rows * channels + rows + bias.nbytes + 16
        else:
            assert size > weights


def test_checkpointing_keeps_less():
    plain, checkpointed = (kept(build(dict(BACKBONES["swin"], with_cp=with_cp))) for with_cp in (False, True))
    assert checkpointed < plain / 2


@pytest.mark.parametrize(
    ("optimizer", "bytes_each"),
    [
        (dict(type="AdamW", lr=1e-3, weight_decay=0.05), 8),
        (dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4), 4),
        (dict(type="SGD", lr=0.1, weight_decay=1e-4), 0),
        (dict(type="timm.optim.Lamb", lr=1e-3, weight_decay=0.02), 8),
    ],
)
def test_states_of_the_optimiser(optimizer, bytes_each):
    plan = dry_run(RECIPE, {"optim_wrapper.optimizer": dict(optimizer, _delete_=True)})
    assert plan.memory.optimizer == bytes_each * (plan.backbone + plan.rest)


def test_what_is_frozen_has_no_gradient_no_state_and_keeps_less():
    options = {"model.backbone": dict(type="simmim_eval.Swin", arch="nano", img_size=48, out_indices=(2,))}
    free = dry_run(RECIPE, options)
    options["model.backbone"] |= {"frozen_stages": 1}
    stuck = dry_run(RECIPE, options)
    frozen = next(group.parameters for group in stuck.groups if group.name == "frozen")
    assert 0 < frozen < stuck.backbone
    assert free.memory.gradients - stuck.memory.gradients == 4 * frozen
    assert free.memory.optimizer - stuck.memory.optimizer == 8 * frozen
    assert free.memory.parameters == stuck.memory.parameters
    assert stuck.memory.activations["fp32"] < free.memory.activations["fp32"]


def test_the_average_of_an_ema_and_the_buckets_of_several_processes():
    alone = dry_run(RECIPE, {})
    two = dry_run(RECIPE, {}, processes=2)
    assert two.memory.gradients == 2 * alone.memory.gradients == 8 * (alone.backbone + alone.rest)
    assert two.batch.micro == 16
    assert two.memory.activations["fp32"] < 0.6 * alone.memory.activations["fp32"]
    assert alone.memory.total("fp32") - alone.memory.total("amp") == (
        alone.memory.activations["fp32"] - alone.memory.activations["amp"]
    )
