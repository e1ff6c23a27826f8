"""Whole classifiers from public files: the logits are those that the file's own project computes."""

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, FILES, backbone_for
from safetensors.torch import load_file, save_file
from torch import nn

from simmim_eval.engine.verify.whole import load_whole
from simmim_eval.errors import CheckpointError
from simmim_eval.transfer.classification.classifier import ImageClassifier
from simmim_eval.weights import read_checkpoint

MEAN_POOLED = [
    "swin_supervised_released.pth",
    "swin_supervised_training.pth",
    "simmim_swin_finetune.pth",
    "timm_swin.safetensors",
    "mmpretrain_swin.pth",
    "simmim_swinv2_finetune.pth",
    "timm_swinv2.pth",
    "torchvision_resnet50.pth",
    "timm_resnet.safetensors",
    "ddp_resnet18.pth.tar",
]
NORMED_AFTER_POOLING = [
    "simmim_vit_finetune.pth",
    "beit_vit_finetune.pth",
    "mae_vit_finetune.pth",
    "timm_beit.pth",
    "mmpretrain_beit.pth",
    "timm_vit_training.pth.tar",
]
CLASS_TOKEN = "timm_vit.safetensors"  # no norm behind the pooling, and the head reads the class token
PREPROCESSOR = dict(type="simmim_eval.ClassificationPreprocessor", num_classes=5, mean=[0, 0, 0], std=[1, 1, 1])


def classifier(name, num_classes=5, **changes):
    """Our classifier for a file, its head drawn far from zero, so that a head left random shows."""
    final_norm = {"final_norm": False} if FILES[name]["family"] == "vit" and changes.get("fc_norm") else {}
    model = ImageClassifier(
        backbone=dict(type=lambda: backbone_for(name, **final_norm)),
        num_classes=num_classes,
        data_preprocessor=PREPROCESSOR,
        **changes,
    )
    for parameter in (*model.head.parameters(), *model.fc_norm.parameters()):
        nn.init.normal_(parameter, 5.0)
    return model.eval()


def logits_of_the_project(name):
    features = load_file(CHECKPOINTS / f"{name}.features.safetensors")
    images = load_file(CHECKPOINTS / "inputs.safetensors")[FILES[name]["inputs"][0]]
    return images, features["logits"]


@pytest.mark.parametrize("name", MEAN_POOLED + NORMED_AFTER_POOLING)
def test_logits_equal_the_projects(name):
    model = classifier(name, fc_norm=name in NORMED_AFTER_POOLING)
    told = load_whole(model, read_checkpoint(CHECKPOINTS / name))
    images, expected = logits_of_the_project(name)
    with torch.no_grad():
        torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-5)
    assert told.endswith("tensors of the head")


@pytest.mark.parametrize("fc_norm", [True, False])
def test_a_head_on_the_class_token_is_refused(fc_norm):
    with pytest.raises(CheckpointError, match="class token"):
        load_whole(classifier(CLASS_TOKEN, fc_norm=fc_norm), read_checkpoint(CHECKPOINTS / CLASS_TOKEN))


def test_a_norm_behind_the_pooling_needs_its_place():
    name = "simmim_vit_finetune.pth"
    with pytest.raises(CheckpointError, match=r"has a norm behind the pooling; .* Set fc_norm=True"):
        load_whole(classifier(name, fc_norm=False), read_checkpoint(CHECKPOINTS / name))


@pytest.mark.parametrize("name", ["simmim_swin_pretrain.pth", "mocov3_resnet50_training.pth.tar"])
def test_a_pre_trained_file_has_no_head(name):
    with pytest.raises(CheckpointError, match=r"expected one linear head.*give a fine-tuned one"):
        load_whole(classifier(name), read_checkpoint(CHECKPOINTS / name))


def test_another_number_of_classes():
    name = "timm_swin.safetensors"
    with pytest.raises(CheckpointError, match="its head has 5 classes, the recipe's 7"):
        load_whole(classifier(name, num_classes=7), read_checkpoint(CHECKPOINTS / name))


def test_a_head_without_its_bias(tmp_path):
    name = "timm_swin.safetensors"
    state = {key: value for key, value in load_file(CHECKPOINTS / name).items() if key != "head.fc.bias"}
    save_file(state, tmp_path / name)
    with pytest.raises(CheckpointError, match=r"the rest is another model's \(1 tensors differ: head\.bias is missing"):
        load_whole(classifier(name), read_checkpoint(tmp_path / name))


def test_a_backbone_that_would_stay_random(tmp_path):
    name = "timm_swin.safetensors"
    state = load_file(CHECKPOINTS / name)
    lost = next(key for key in state if key.startswith("layers.2.blocks.0.mlp"))
    del state[lost]
    save_file(state, tmp_path / name)
    with pytest.raises(CheckpointError, match="Tensors of the backbone without a value"):
        load_whole(classifier(name), read_checkpoint(tmp_path / name))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_our_own_file_goes_in_by_name(prefix, tmp_path):
    first, second = (classifier("timm_resnet.safetensors") for _ in range(2))
    save_file({f"{prefix}{name}": value for name, value in first.state_dict().items()}, tmp_path / "own.safetensors")
    assert load_whole(second, read_checkpoint(tmp_path / "own.safetensors")).startswith("all ")
    for name, value in second.state_dict().items():
        torch.testing.assert_close(value, first.state_dict()[name], rtol=0, atol=0)


def test_a_foreign_model_takes_exactly_its_own_tensors(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    save_file({"0.weight": torch.ones(3, 2), "0.bias": torch.ones(3)}, tmp_path / "part.safetensors")
    with pytest.raises(CheckpointError, match=r"does not hold this model \(2 tensors differ: 1\.weight is missing"):
        load_whole(model, read_checkpoint(tmp_path / "part.safetensors"))
