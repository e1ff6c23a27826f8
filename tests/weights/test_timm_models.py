"""Files of any timm model into a ``TimmBackbone``: the features of timm's own model, and every tensor accounted for."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from simmim_eval.backbones import TimmBackbone
from simmim_eval.errors import CheckpointError
from simmim_eval.weights import load, weights_hash

SIZE = 64


def timm_file(model_name: str, folder: Path, **options: int) -> tuple[torch.nn.Module, Path]:
    """A whole model of timm with random weights and running statistics, and its file."""
    torch.manual_seed(0)
    model = timm.create_model(model_name, **options).eval()
    for name, buffer in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    path = folder / "model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
    return model, path


@pytest.mark.parametrize(
    ("model_name", "out_indices", "behind"),
    [
        ("resnet18", None, 0),  # names as in the whole model
        ("convnext_atto", None, 2),  # two levels joined: stages_0; the norm of the head is behind the maps
        pytest.param("regnetx_002", (0, 1), None, marks=pytest.mark.slow),  # a stage that is not needed
        pytest.param("mobilenetv3_small_050", None, 2, marks=pytest.mark.slow),  # conv_head
    ],
)
def test_features_are_those_of_the_whole_model(
    model_name: str, out_indices: tuple[int, ...] | None, behind: int | None, tmp_path: Path
) -> None:
    model, path = timm_file(model_name, tmp_path)
    backbone = TimmBackbone(model_name, out_indices=out_indices).eval()
    report = load(backbone, path)
    assert report.format == "timm model"
    assert len(report.matched) == len(backbone.state_dict())
    assert len(report.matched) + len(report.dropped) == len(model.state_dict())
    reasons = [reason for _, reason in report.dropped]
    assert reasons.count("classification head") == 2
    if behind is not None:
        assert reasons.count("a part of the model behind the maps") == behind
    image = torch.randn(1, 3, SIZE, SIZE)
    with torch.no_grad():
        expected = model.forward_intermediates(image, indices=list(backbone.out_indices), intermediates_only=True)
        for one, other in zip(backbone(image), expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_a_vit_that_timm_wraps(tmp_path: Path) -> None:
    model, path = timm_file("vit_tiny_patch16_224", tmp_path, img_size=SIZE)
    backbone = TimmBackbone("vit_tiny_patch16_224", img_size=SIZE).eval()
    report = load(backbone, path)
    assert not report.adapted and len(report.matched) == len(backbone.state_dict())
    assert torch.equal(
        dict(backbone.named_parameters())["model.blocks.3.mlp.fc1.weight"], model.blocks[3].mlp.fc1.weight
    )


def test_own_files_come_back_and_lose_the_mask_token(tmp_path: Path) -> None:
    source = TimmBackbone("convnext_atto", use_mask_token=True)
    path = tmp_path / "last.pth"
    state = {f"backbone.{name}": tensor for name, tensor in source.state_dict().items()}
    torch.save({"state_dict": {**state, "head.proj.weight": torch.zeros(3)}}, path)
    target = TimmBackbone("convnext_atto")
    report = load(target, path)
    kept = {name: tensor for name, tensor in source.state_dict().items() if name != "mask_token"}
    assert weights_hash(target.state_dict()) == weights_hash(kept)
    assert sorted(report.dropped) == [
        ("backbone.mask_token", "mask token (pre-training only)"),
        ("head.proj.weight", "other parts of the model"),
    ]


def test_a_file_of_another_model(tmp_path: Path) -> None:
    _, path = timm_file("resnet18", tmp_path)
    with pytest.raises(CheckpointError, match=r"no tensor of timm's convnext_atto.*timm:convnext_atto"):
        load(TimmBackbone("convnext_atto"), path)
    with pytest.raises(CheckpointError, match=r"does not fit the backbone\. Tensors of the backbone without a value"):
        load(TimmBackbone("resnet34"), path)
