"""SimMIM over a ViT: the official loss and gradients (tests/data/simmim), and no leak of what is hidden."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from simmim_eval.backbones import ViT
from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.pretraining import RandomMask, SimMIM
from simmim_eval.registry import MODELS

LOSS_TOLERANCE = 1e-6
SMALL: dict[str, Any] = dict(
    arch=dict(embed_dim=32, depth=3, num_heads=4), img_size=96, rel_pos="shared", init_values=0.1
)


def our_name(official: str) -> str:
    return official.replace("encoder.", "backbone.").replace("decoder.0.", "head.proj.")


@pytest.fixture(scope="module")
def arrays(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim" / "vit_pretrain.safetensors")


@pytest.fixture(scope="module")
def reference(data_dir: Path) -> dict[str, Any]:
    return json.loads((data_dir / "simmim" / "models.json").read_text())["vit_pretrain"]


@pytest.fixture(scope="module")
def model(arrays: dict[str, Tensor]) -> SimMIM:
    model = SimMIM(ViT(use_mask_token=True, **SMALL), mask_patch_size=32)
    state = {our_name(key.removeprefix("model.")): value for key, value in arrays.items() if key.startswith("model.")}
    model.load_state_dict(state, strict=True)
    return model


def test_features_and_prediction(model: SimMIM, arrays: dict[str, Tensor]) -> None:
    mask = arrays["mask"].bool()
    assert model.encoder_stride == 16
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


POSITIONS = [
    dict(rel_pos="shared"),
    dict(rel_pos="per_block"),
    dict(rel_pos=None, abs_pos=True),
    dict(rel_pos="decomposed", class_token=False, window_size=2, global_blocks=(1,)),
]


@pytest.mark.parametrize("words", POSITIONS, ids=str)
def test_hidden_pixels_never_reach_the_prediction_and_all_is_trained(words: dict[str, Any]) -> None:
    torch.manual_seed(0)
    backbone = dict(type="simmim_eval.ViT", **{**SMALL, **words})
    model = MODELS.build(dict(type="simmim_eval.SimMIM", backbone=backbone, mask_patch_size=32))
    rng = np.random.default_rng(0)
    draw = RandomMask(96, mask_patch_size=32, mask_stride=16)
    mask = torch.from_numpy(np.stack([draw(rng) for _ in range(2)]))
    images = torch.randn(2, 3, 96, 96)
    hidden = mask.repeat_interleave(16, 1).repeat_interleave(16, 2)[:, None]
    changed = torch.where(hidden, torch.randn_like(images) * 1e3, images)
    seen = torch.where(hidden, images, images + 1)
    with torch.no_grad():
        prediction = model(images, mask)
        torch.testing.assert_close(prediction, model(changed, mask), rtol=0, atol=0)
        assert not torch.equal(prediction, model(seen, mask))
    model(images, mask, mode="loss")["loss"].backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_a_unit_that_is_no_multiple_of_a_patch_is_refused() -> None:
    with pytest.raises(MaskError, match="mask_patch_size is 24; ViT hides cells of 16"):
        SimMIM(dict(type="simmim_eval.ViT", **SMALL), mask_patch_size=24)


def test_several_maps_are_refused() -> None:
    with pytest.raises(ConfigError, match="returns 2 maps"):
        SimMIM(dict(type="simmim_eval.ViT", out_indices=(0, 2), **SMALL))
