"""FLOPs and parameters of a dry run against published counts, closed forms and what is run for real."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from simmim_eval import compat
from simmim_eval.engine.dry_run import InputSize, dry_run
from simmim_eval.engine.dry_run.parts import forward
from simmim_eval.engine.dry_run.trial import test_flops as flops_of_testing
from simmim_eval.engine.dry_run.trial import train_flops
from simmim_eval.registry import MODELS

DETECTION = "detection/mask-rcnn-fpn_swin-nano_1xb4-300i_demo.py"
SLOW = pytest.mark.slow
PREPROCESSOR = dict(type="simmim_eval.ClassificationPreprocessor", num_classes=1000, mean=[0.0] * 3, std=[1.0] * 3)


def classifier(**backbone):
    compat.install()
    model = dict(type="simmim_eval.ImageClassifier", num_classes=1000, data_preprocessor=PREPROCESSOR)
    if backbone["type"] == "simmim_eval.ViT":
        backbone, model = dict(backbone, final_norm=False), dict(model, fc_norm=True)
    with torch.device("meta"):
        return MODELS.build(dict(model, backbone=backbone))


SWIN, SWIN_V2 = (dict(type=f"simmim_eval.{name}", out_indices=(3,)) for name in ("Swin", "SwinV2"))


@pytest.mark.parametrize(
    ("side", "millions", "gmac", "backbone"),
    [
        # ViT, ResNet: timm's benchmark table; Swin, SwinV2: the official classes and their own flops()
        pytest.param(224, 86.57, 17.58, dict(type="simmim_eval.ViT", arch="base", abs_pos=True), id="vit-b"),
        pytest.param(224, 87.77, 15.44, dict(SWIN, arch="base", img_size=224), id="swin-b"),
        pytest.param(
            192, 87.75, 11.28, dict(SWIN, arch="base", img_size=192, window_size=6), id="swin-b-w6", marks=SLOW
        ),
        pytest.param(
            224, 196.79, 35.82, dict(SWIN, arch="large", img_size=224, window_size=14), id="swin-l-w14", marks=SLOW
        ),
        pytest.param(
            256, 87.92, 20.29, dict(SWIN_V2, arch="base", img_size=256, window_size=8), id="swinv2-b", marks=SLOW
        ),
        pytest.param(
            192, 658.0, 85.75, dict(SWIN_V2, arch="huge", img_size=192, window_size=12), id="swinv2-h", marks=SLOW
        ),
        pytest.param(224, 25.56, 4.11, dict(type="simmim_eval.ResNet", depth=50, out_indices=(3,)), id="resnet-50"),
    ],
)
def test_published_multiply_adds_and_parameters(side, millions, gmac, backbone):
    model = classifier(**backbone)
    assert sum(one.numel() for one in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.01)
    assert flops_of_testing(model, [InputSize(side, side)], {}) / 2e9 == pytest.approx(gmac, rel=0.02)


def test_same_count_as_a_real_forward_pass():
    compat.install()
    backbone = dict(type="simmim_eval.Swin", arch="nano", img_size=48, out_indices=(2,))
    real = MODELS.build(
        dict(type="simmim_eval.ImageClassifier", num_classes=5, data_preprocessor=PREPROCESSOR, backbone=backbone)
    ).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        real(torch.randn(1, 3, 48, 48))
    assert flops_of_testing(real.to("meta"), [InputSize(48, 48)], {}) == counter.get_total_flops()


@pytest.mark.parametrize("views", [1, 4])
def test_views_multiply(views):
    model = classifier(type="simmim_eval.ResNet", arch="nano", out_indices=(2,))
    one = flops_of_testing(model, [InputSize(64, 64)], {})
    assert flops_of_testing(model, [InputSize(64, 64, views=views)], {}) == views * one
    assert flops_of_testing(model, [InputSize(64, 64)] * views, {}) == views * one


def test_of_a_batch_each_sample_costs_the_same():
    model = classifier(type="simmim_eval.ResNet", arch="nano", out_indices=(2,))
    one, six = (train_flops(model, InputSize(64, 64), batch, {}) for batch in (1, 6))
    assert one[0] == six[0]
    assert six[1] == pytest.approx(6 * one[1], rel=0.01)


def test_regions_are_nominal_and_cost_what_their_heads_cost():
    options = {"model.train_cfg.rcnn.sampler.num": 64}
    few = dry_run(DETECTION, options)
    many = dry_run(DETECTION, {"model.train_cfg.rcnn.sampler.num": 128})
    width, hidden, classes, area = 32, 128, 5, 7 * 7
    box = width * area * hidden + hidden * hidden + hidden * (classes + 1) + hidden * 4 * classes
    convolution, upsampled, logits = 9 * width * width * 14 * 14, width * width * 28 * 28, width * classes * 28 * 28
    mask = convolution + upsampled + logits  # a transposed convolution of stride 2: each output pixel has one tap
    assert many.train_flops - few.train_flops == 2 * (64 * box + 16 * mask)
    assert many.test_flops == few.test_flops
    assert "box heads at 64 regions an image in training" in few.notes
    assert "mask heads at 16 regions an image in training" in few.notes
    assert "box heads at 50 regions an image in testing" in few.notes


class WithMystery(nn.Module):
    """A detector of an unknown kind: a head that needs boxes, and a part that nobody calls."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 4, 1)
        self.bbox_head = Broken()
        self.mystery = nn.Linear(1000, 1000)

    def extract_feat(self, inputs):
        return (self.backbone(inputs),)


class Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))

    def forward(self, features):
        if (self.weight * features[0].sum()).sum() > 0:
            return features
        return ()


@pytest.mark.parametrize("training", [True, False])
def test_what_is_left_out_is_said(training):
    notes: dict[str, None] = {}
    outputs = forward(WithMystery().to("meta").train(training), InputSize(8, 8), 2, notes)
    assert [tuple(one.shape) for one in outputs] == [(2, 4, 8, 8)]
    assert any(note.startswith("bbox_head is left out (") for note in notes)
    assert "mystery (1.0 M parameters) is left out: what it does depends on data" in notes
    assert len(notes) == 2
