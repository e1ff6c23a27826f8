"""mmaction2's stock 3D recognisers with our clip backbones in place of theirs: one training step, one prediction."""

from typing import Any

import pytest
import torch

import simmim_eval.compat  # noqa: F401

# isort: split
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope

STOCK = {
    "video-swin": "recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py",
    "slowonly": "recognition/slowonly/slowonly_imagenet-pretrained-r50_8xb16-4x16x1-steplr-150e_kinetics400-rgb.py",
    "i3d": "recognition/i3d/i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb.py",
}
OURS: dict[str, dict[str, Any]] = {
    "SwinVideo": dict(type="simmim_eval.SwinVideo", arch="nano"),
    "ViTVideo": dict(type="simmim_eval.ViTVideo", arch="nano", img_size=32, num_frames=4),
    "ResNetSlowOnly": dict(type="simmim_eval.ResNetSlowOnly", arch="nano"),
}


@pytest.mark.parametrize("stock", STOCK)
@pytest.mark.parametrize("ours", OURS)
def test_a_stock_recogniser_trains_and_predicts(stock: str, ours: str) -> None:
    torch.manual_seed(0)
    config = Config.fromfile(_stock_file(STOCK[stock]))
    config.model.backbone = OURS[ours]
    with DefaultScope.overwrite_default_scope("mmaction"):
        backbone = MODELS.build(dict(OURS[ours]))
        config.model.cls_head.update(in_channels=backbone.channels[-1], num_classes=5)
        model = MODELS.build(config.model)
        model.init_weights()
        losses, _ = model.parse_losses(model(**model.data_preprocessor(_batch(2), True), mode="loss"))
        losses.backward()
        gradients = [param.grad for param in model.backbone.parameters()]
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
        model.eval()
        with torch.no_grad():
            (predicted,) = model(**model.data_preprocessor(_batch(1), False), mode="predict")
    assert predicted.pred_score.shape == (5,)
    assert predicted.pred_score.sum() == pytest.approx(1, abs=1e-5)


def _batch(clips: int) -> dict[str, Any]:
    samples = [ActionDataSample().set_gt_label(torch.tensor([i])) for i in range(clips)]
    inputs = [torch.randint(0, 255, (1, 3, 4, 32, 32), dtype=torch.uint8) for _ in range(clips)]
    return dict(inputs=inputs, data_samples=samples)


def _stock_file(name: str) -> str:
    import mmaction

    return f"{mmaction.__path__[0]}/.mim/configs/{name}"
