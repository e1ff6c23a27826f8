"""An average of the weights leaves the groups alone and is the average."""

from types import SimpleNamespace

import pytest
import torch
from decay_case import FAMILIES, Classifier, assert_same_weights, batches, groups_of, train, wrapper_of
from mmengine.hooks import EMAHook

from simmim_eval.optim import param_groups

MOMENTUM = 0.25


@pytest.mark.parametrize("family", FAMILIES)
def test_the_average_is_the_closed_form(family: str) -> None:
    model = Classifier(family, frozen_stages=0)
    wrapper = wrapper_of(model)
    names = [list(group.params) for group in param_groups(model, 1e-2, 0.05, 0.7)]
    groups = groups_of(wrapper)
    hook = EMAHook(momentum=MOMENTUM)
    runner = SimpleNamespace(model=model, iter=0, epoch=0)
    hook.before_run(runner)
    history = []
    for i, batch in enumerate(batches(3)):
        history.append(train(model, wrapper, [batch]))
        hook.after_train_iter(runner, i)
        runner.iter += 1
    assert groups_of(wrapper) == groups
    assert [list(group.params) for group in param_groups(model, 1e-2, 0.05, 0.7)] == names
    assert_same_weights({name: value.detach() for name, value in model.named_parameters()}, history[-1], atol=0)
    # The first update copies; then average = (1 - momentum) * average + momentum * weights.
    shares = ((1 - MOMENTUM) ** 2, MOMENTUM * (1 - MOMENTUM), MOMENTUM)
    expected = {
        name: sum(share * step[name] for share, step in zip(shares, history, strict=True)) for name in history[0]
    }
    average = dict(hook.ema_model.module.named_parameters())
    assert_same_weights({name: value.detach() for name, value in average.items()}, expected, atol=1e-12)
    assert not torch.equal(average["head.weight"], history[-1]["head.weight"])


def test_the_average_has_the_layers_of_the_model() -> None:
    model = Classifier("swin")
    hook = EMAHook()
    hook.before_run(SimpleNamespace(model=model, iter=0, epoch=0))
    layers = {group.name: (group.layer, group.lr, list(group.params)) for group in param_groups(model, 1.0, 0.05, 0.5)}
    average = hook.ema_model.module
    for parameter in average.parameters():
        parameter.requires_grad_(True)
    assert layers == {
        group.name: (group.layer, group.lr, list(group.params)) for group in param_groups(average, 1.0, 0.05, 0.5)
    }
