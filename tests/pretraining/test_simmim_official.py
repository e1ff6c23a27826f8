"""The model against arrays computed by the official code (tests/data/simmim)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from simmim_eval.backbones import Swin
from simmim_eval.pretraining import SimMIM

LOSS_TOLERANCE = 1e-6
SWIN = dict(
    arch=dict(embed_dim=8, depths=(2, 2, 2, 2), num_heads=(1, 2, 2, 4)),
    img_size=96,
    window_size=6,
    out_indices=(3,),
    use_mask_token=True,
)


def our_name(official: str) -> str:
    """Official merging ends stage i, timm's opens stage i + 1; the decoder is our head."""
    name = official.replace("encoder.", "backbone.").replace("decoder.0.", "head.proj.")
    return re.sub(r"layers\.(\d)\.downsample", lambda stage: f"layers.{int(stage[1]) + 1}.downsample", name)


@pytest.fixture(scope="module")
def arrays(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim" / "swin_pretrain.safetensors")


@pytest.fixture(scope="module")
def reference(data_dir: Path) -> dict[str, Any]:
    models = json.loads((data_dir / "simmim" / "models.json").read_text())
    return models["swin_pretrain"]


@pytest.fixture(scope="module")
def model(arrays: dict[str, Tensor]) -> SimMIM:
    model = SimMIM(Swin(**SWIN), mask_patch_size=16)
    state = {our_name(key.removeprefix("model.")): value for key, value in arrays.items() if key.startswith("model.")}
    model.load_state_dict(state, strict=True)
    return model


def test_features_and_prediction(model: SimMIM, arrays: dict[str, Tensor]) -> None:
    mask = arrays["mask"].bool()
    with torch.no_grad():
        features = model.backbone(arrays["images"], mask)[-1]
        prediction = model(arrays["images"], mask)
    torch.testing.assert_close(features, arrays["features"], rtol=0, atol=1e-5)
    torch.testing.assert_close(prediction[:1], arrays["prediction"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("with_cp", [False, True])
def test_loss_and_gradients(model: SimMIM, arrays: dict[str, Tensor], reference: dict[str, Any], with_cp: bool) -> None:
    model.backbone.with_cp = with_cp
    model.zero_grad()
    loss = model(arrays["images"], arrays["mask"].bool(), mode="loss")["loss"]
    loss.backward()
    model.backbone.with_cp = False
    assert loss.item() == pytest.approx(arrays["loss"].item(), abs=LOSS_TOLERANCE)

    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert gradients.keys() == {our_name(name) for name in reference["gradients"]}
    stored = {our_name(key.removeprefix("grad.")): value for key, value in arrays.items() if key.startswith("grad.")}
    for name, expected in stored.items():
        error = (gradients[name] - expected).abs().max()
        assert error <= 1e-4 * expected.abs().max(), name
    for official, expected in reference["gradients"].items():
        gradient = gradients[our_name(official)].double()
        assert gradient.norm().item() == pytest.approx(expected["norm"], rel=1e-4), official
        # Many sums cancel to rounding noise (layer norms remove a common offset): the norm is then the scale.
        assert gradient.sum().item() == pytest.approx(expected["sum"], rel=1e-4, abs=1e-5 * expected["norm"]), official
    total = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
    assert total.item() == pytest.approx(reference["gradient_norm"], rel=1e-4)


@pytest.mark.parametrize(("hidden", "key"), [(False, "loss_mask_nothing"), (True, "loss_mask_everything")])
def test_loss_of_extreme_masks(
    model: SimMIM, arrays: dict[str, Tensor], reference: dict[str, Any], hidden: bool, key: str
) -> None:
    mask = torch.full(arrays["mask"].shape, hidden)
    with torch.no_grad():
        loss = model(arrays["images"], mask, mode="loss")["loss"]
    assert loss.item() == pytest.approx(reference[key], abs=LOSS_TOLERANCE)
