"""Groups and updates where a batch comes in parts, in bfloat16, and with frozen stages."""

import pytest
import torch
from decay_case import FAMILIES, Classifier, assert_same_weights, batches, groups_of, train, wrapper_of

from simmim_eval.engine.precision import CpuAmpOptimWrapper


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("frozen_stages", [-1, 1])
def test_two_halves_accumulated_are_one_batch(family: str, frozen_stages: int) -> None:
    whole, parts = (Classifier(family, frozen_stages=frozen_stages) for _ in range(2))
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    of_whole, of_parts = wrapper_of(whole), wrapper_of(parts, accumulative_counts=2)
    assert groups_of(of_whole) == groups_of(of_parts)
    data = batches()
    halves = [half for images, labels in data for half in zip(images.chunk(2), labels.chunk(2), strict=True)]
    after = train(whole, of_whole, data)
    assert_same_weights(after, train(parts, of_parts, halves))
    frozen = {name for name, parameter in whole.named_parameters() if not parameter.requires_grad}
    assert bool(frozen) == (frozen_stages >= 0)
    for name, value in after.items():
        assert torch.equal(value, before[name]) == (name in frozen), name
    if frozen_stages >= 0:
        layers = [whole.backbone.layer_id(name.removeprefix("backbone.")) for name in frozen]
        assert 0 in layers
        unfrozen = groups_of(wrapper_of(Classifier(family)))
        assert {group[:4] for group in groups_of(of_whole)} <= {group[:4] for group in unfrozen}


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_changes_no_group(family: str) -> None:
    model = Classifier(family).float()
    wrapper = wrapper_of(model, type=CpuAmpOptimWrapper)
    assert groups_of(wrapper) == groups_of(wrapper_of(Classifier(family)))
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    train(model, wrapper, [(images.float(), labels) for images, labels in batches(1)])
    for name, value in model.named_parameters():
        assert value.dtype == torch.float32
        assert not torch.equal(value, before[name]), name
