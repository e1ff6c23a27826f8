"""SimMIM on SwinV2, against the official code's arrays (tests/data/simmim) and against its promises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from simmim_eval.backbones import SwinV2
from simmim_eval.errors import ConfigError
from simmim_eval.pretraining import SimMIM
from simmim_eval.pretraining.targets import window_statistics
from simmim_eval.registry import MODELS

LOSS_TOLERANCE = 1e-6
SWIN_V2: dict[str, Any] = dict(
    arch=dict(embed_dim=8, depths=(1, 2, 2, 1), num_heads=(1, 2, 2, 4)),
    img_size=96,
    window_size=6,
    out_indices=(3,),
    use_mask_token=True,
)
NANO = dict(type="simmim_eval.SwinV2", arch="nano", img_size=48, out_indices=(2,))


def our_name(official: str) -> str:
    """Official merging ends stage i, timm's opens stage i + 1; the decoder is our head."""
    name = official.replace("encoder.", "backbone.").replace("decoder.0.", "head.proj.")
    return re.sub(r"layers\.(\d)\.downsample", lambda stage: f"layers.{int(stage[1]) + 1}.downsample", name)


def under(arrays: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {our_name(name.removeprefix(start)): value for name, value in arrays.items() if name.startswith(start)}


@pytest.fixture(scope="module")
def arrays(data_dir: Path) -> dict[str, Tensor]:
    return load_file(data_dir / "simmim" / "swin_v2.safetensors")


@pytest.fixture(scope="module")
def inputs(data_dir: Path) -> dict[str, Tensor]:
    """Images, mask and decoder, which this model shares with Swin's."""
    return load_file(data_dir / "simmim" / "swin_pretrain.safetensors")


@pytest.fixture
def model(arrays: dict[str, Tensor], inputs: dict[str, Tensor]) -> SimMIM:
    model = SimMIM(SwinV2(**SWIN_V2), mask_patch_size=16)
    state = under(arrays, "model.")
    decoder = {name: value for name, value in under(inputs, "model.").items() if name.startswith("head.")}
    model.load_state_dict(state | decoder, strict=True)
    return model


@pytest.mark.parametrize("with_cp", [False, True])
def test_loss_and_gradients_on_raw_pixels(
    model: SimMIM, arrays: dict[str, Tensor], inputs: dict[str, Tensor], data_dir: Path, with_cp: bool
) -> None:
    reference = json.loads((data_dir / "simmim" / "swin_v2.json").read_text())["swin_v2"]["gradients"]
    model.backbone.with_cp = with_cp
    loss = model(inputs["images"], inputs["mask"].bool(), mode="loss")["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(arrays["loss_raw"].item(), abs=LOSS_TOLERANCE)

    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert gradients.keys() == {our_name(name) for name in reference}
    for name, expected in under(arrays, "grad.").items():
        error = (gradients[name] - expected).abs().max()
        assert error <= 1e-4 * expected.abs().max(), name
    for official, expected in reference.items():
        gradient = gradients[our_name(official)].double()
        assert gradient.norm().item() == pytest.approx(expected["norm"], rel=1e-4), official
        # Many sums cancel to rounding noise (up to 1.001e-5 of the norm, over 512 addends): the norm is then the scale.
        assert gradient.sum().item() == pytest.approx(expected["sum"], rel=1e-4, abs=2e-5 * expected["norm"]), official


def test_loss_on_normalised_pixels(model: SimMIM, arrays: dict[str, Tensor], inputs: dict[str, Tensor]) -> None:
    model.norm_target = 47
    with torch.no_grad():
        loss = model(inputs["images"], inputs["mask"].bool(), mode="loss")["loss"]
    assert loss.item() == pytest.approx(arrays["loss_normalised"].item(), abs=LOSS_TOLERANCE)


def test_normalised_target(arrays: dict[str, Tensor], inputs: dict[str, Tensor]) -> None:
    mean, deviation = window_statistics(inputs["images"][:1], 47)
    target = (inputs["images"][:1] - mean) / deviation
    torch.testing.assert_close(target, arrays["normalised_target"], rtol=0, atol=1e-5)


def test_a_perfect_prediction_reconstructs_the_image(inputs: dict[str, Tensor]) -> None:
    """What the head predicts is put back into units of the input."""
    model = MODELS.build(dict(type="simmim_eval.SimMIM", backbone=NANO, mask_patch_size=8, norm_target=9))
    x, mask = inputs["images"][:, :, :48, :48], torch.zeros(2, 12, 12).bool()
    mask[:, :6] = True
    mean, deviation = window_statistics(x, 9)
    model.head.forward = lambda features: (x - mean) / deviation
    with torch.no_grad():
        torch.testing.assert_close(model(x, mask), x, rtol=0, atol=1e-5)
        assert model(x, mask, mode="loss")["loss"].item() == 0
        for sample, image in zip(model(x, mask, mode="predict"), x, strict=True):
            torch.testing.assert_close(sample["reconstruction"], image, rtol=0, atol=1e-5)
            assert sample["hidden_l1"] == 0


@pytest.mark.parametrize("norm_target", [None, 5])
def test_hidden_pixels_never_reach_what_the_head_sees(norm_target: int | None) -> None:
    torch.manual_seed(0)
    model = SimMIM(dict(NANO), mask_patch_size=8, norm_target=norm_target).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    seen: list[Tensor] = []
    model.head.register_forward_hook(lambda module, args, output: seen.extend([args[0], output]))
    x = torch.randn(2, 3, 48, 48)
    mask = (torch.rand(2, 6, 6) < 0.6).repeat_interleave(2, 1).repeat_interleave(2, 2)
    hidden = mask.repeat_interleave(4, 1).repeat_interleave(4, 2)[:, None]
    with torch.no_grad():
        for pixels in (x, torch.where(hidden, torch.randn_like(x) * 1e3, x)):
            model(pixels, mask, mode="loss")
    features, prediction, other_features, other_prediction = seen
    assert torch.equal(features, other_features)
    assert torch.equal(prediction, other_prediction)


def test_every_parameter_is_trained() -> None:
    torch.manual_seed(0)
    model = SimMIM(dict(NANO), mask_patch_size=8, norm_target=47)
    for name, parameter in model.named_parameters():
        if ".norm" in name:  # fresh branches are closed
            torch.nn.init.normal_(parameter, std=0.2)
    mask = torch.zeros(1, 12, 12).bool()
    mask[:, :4] = True
    model(torch.randn(1, 3, 48, 48), mask, mode="loss")["loss"].backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("wrong", [0, 1, -47, 46, 47.0, "47", True, False, [47]])
def test_bad_windows_of_the_target_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"model\.norm_target is .*; expected an odd number of pixels from 3"):
        SimMIM(dict(NANO), mask_patch_size=8, norm_target=wrong)
