"""The classifier over a ViT against the official fine-tuning code (tests/data/simmim)."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from simmim_eval.transfer.classification.classifier import ImageClassifier

VIT: dict[str, Any] = dict(
    type="simmim_eval.ViT",
    arch=dict(embed_dim=32, depth=3, num_heads=4),
    img_size=128,
    rel_pos="per_block",
    init_values=0.1,
    final_norm=False,
)
PREPROCESSOR = dict(type="simmim_eval.ClassificationPreprocessor", num_classes=5, mean=[0.0] * 3, std=[1.0] * 3)


def classifier(num_classes: int = 5, **words: Any) -> ImageClassifier:
    return ImageClassifier(VIT, num_classes, PREPROCESSOR, fc_norm=True, head_std=2e-5, **words)


@pytest.fixture(scope="module")
def tuned(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim/vit_finetune.safetensors")


def test_logits_are_the_official_ones(tuned: dict[str, Tensor], data_dir: Path) -> None:
    pretrained = load_file(data_dir / "simmim/vit_pretrain.safetensors")
    state = {}
    for name, value in (pretrained | tuned).items():
        for prefix in ("model.encoder.", "table."):
            if name.startswith(prefix):
                state[f"backbone.{name.removeprefix(prefix)}"] = value
        if name.startswith("own."):
            state[name.removeprefix("own.")] = value
    for name in ("mask_token", "norm.weight", "norm.bias", "rel_pos_bias.relative_position_bias_table"):
        del state[f"backbone.{name}"]
    model = classifier().eval()
    model.load_state_dict(state, strict=True)
    with torch.no_grad():
        logits = model(tuned["images"])
        pooled = model.fc_norm(model.backbone(tuned["images"])[0].mean((2, 3)))
    torch.testing.assert_close(pooled, tuned["pooled"], atol=1e-5, rtol=0)
    torch.testing.assert_close(logits, tuned["logits"], atol=1e-5, rtol=0)


def test_the_first_head_is_the_official_one(data_dir: Path) -> None:
    reference = json.loads((data_dir / "simmim/initialisation.json").read_text())["initialisation"]["vit_finetune"]
    torch.manual_seed(0)
    model = classifier(num_classes=60)
    model.init_weights()
    assert model.head.weight.std().item() == pytest.approx(reference["head.weight"]["std"], rel=0.05)
    assert not model.head.bias.any()
    assert (model.fc_norm.weight == 1).all()
    assert not model.fc_norm.bias.any()
    assert model.fc_norm.eps == 1e-6


def test_there_is_no_norm_unless_asked_for() -> None:
    model = ImageClassifier(VIT, 5, PREPROCESSOR)
    assert not [name for name in model.state_dict() if name.startswith("fc_norm")]
