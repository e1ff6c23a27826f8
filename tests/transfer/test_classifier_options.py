"""Options that some published recipes need: binary cross-entropy, TrivialAugment, LAMB over layers."""

import math

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torchvision.transforms import TrivialAugmentWide

from simmim_eval.errors import ConfigError
from simmim_eval.transfer.classification.classifier import ImageClassifier
from simmim_eval.transfer.classification.transforms import TimmTransform

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
BACKBONE = dict(type="simmim_eval.ResNet", arch="nano", out_indices=(2,))


def _model(**options):
    preprocessor = dict(type="simmim_eval.ClassificationPreprocessor", num_classes=3, mean=MEAN, std=STD)
    return ImageClassifier(BACKBONE, num_classes=3, data_preprocessor=preprocessor, **options)


def _loop(logits, targets, threshold):
    """Mean of -y log p - (1 - y) log (1 - p) over images and classes."""
    total, count = 0.0, 0
    for row, aims in zip(logits.tolist(), targets.tolist(), strict=True):
        for logit, aim in zip(row, aims, strict=True):
            aim = float(aim > threshold) if threshold is not None else aim
            p = 1 / (1 + math.exp(-logit))
            total, count = total - aim * math.log(p) - (1 - aim) * math.log(1 - p), count + 1
    return total / count


@pytest.mark.parametrize("threshold", [None, 0.2])
def test_binary_cross_entropy_over_mixed_targets(threshold):
    torch.manual_seed(0)
    model = _model(loss=dict(type="timm.loss.BinaryCrossEntropy", smoothing=0.0, target_threshold=threshold))
    targets = torch.tensor([[0.7, 0.3, 0.0], [0.1, 0.9, 0.0]])
    inputs = torch.randn(2, 3, 64, 64)
    model.eval()
    loss = model(inputs, targets, mode="loss")["loss"]
    assert loss.item() == pytest.approx(_loop(model(inputs), targets, threshold), rel=1e-4)
    assert set(model.state_dict()) == set(_model().state_dict())  # a loss adds nothing to a checkpoint


def test_trivial_augment_comes_last_before_the_tensor():
    transform = TimmTransform(32, is_training=True, trivial_augment=True, interpolation="bicubic")
    names = [type(step).__name__ for step in transform.transform.transforms]
    assert names.index("TrivialAugmentWide") == len(names) - 2
    assert "ColorJitter" not in names
    assert isinstance(transform.transform.transforms[-2], TrivialAugmentWide)
    image = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
    torch.manual_seed(0)
    views = [transform({"img": image, "gt_label": 1})["inputs"] for _ in range(3)]
    assert all(view.shape == (3, 32, 32) and view.dtype == torch.uint8 for view in views)
    assert not torch.equal(views[0], views[1])


@pytest.mark.parametrize("options", [dict(is_training=False), dict(is_training=True, auto_augment="rand-m9-mstd0.5")])
def test_trivial_augment_is_the_only_policy_and_for_training(options):
    with pytest.raises(ConfigError, match="trivial_augment"):
        TimmTransform(32, trivial_augment=True, **options)


def test_lamb_takes_the_groups_of_layers():
    torch.manual_seed(0)
    model = _model()
    wrapper = build_optim_wrapper(
        model,
        dict(
            type="OptimWrapper",
            constructor="simmim_eval.LayerDecayConstructor",
            paramwise_cfg=dict(layer_decay=0.7),
            optimizer=dict(type="timm.optim.Lamb", lr=0.016, weight_decay=0.02),
        ),
    )
    groups = {group["name"]: group for group in wrapper.optimizer.param_groups}
    last = model.backbone.num_layers - 1
    assert groups[f"layer_{last}_decay"]["lr"] == pytest.approx(0.016)
    assert groups["layer_0_decay"]["lr"] == pytest.approx(0.016 * 0.7**last)
    # LAMB's first step is the rate times the norm of a tensor, along the sign of its gradient; timm's keeps to a
    # tensor's norm where weights decay, be it by nothing.
    weight = model.head.weight
    torch.nn.init.constant_(weight, 0.5)
    groups[f"layer_{last}_decay"]["weight_decay"] = 1e-12
    before = weight.detach().clone()
    loss = (weight * torch.linspace(1, 2, weight.numel()).view_as(weight)).sum() * 1e-4
    wrapper.update_params(loss)
    moved = before - weight.detach()
    assert float(moved.norm()) == pytest.approx(0.016 * float(before.norm()), rel=1e-3)
    assert (moved > 0).all()
