"""What every backbone promises; a family inherits :class:`BackboneContract` and names two small configs."""

import copy
from typing import Any

import pytest
import torch
from mmengine.model import ModuleList
from torch import Tensor, nn

from simmim_eval.backbones import Backbone
from simmim_eval.errors import ConfigError, MaskError
from simmim_eval.registry import MODELS, WEIGHT_INITIALIZERS

SIZES = [(48, 48), (61, 45), (20, 130)]


@WEIGHT_INITIALIZERS.register_module(name="TestPretrained")
class ThreesPretrained:
    """Stands for a checkpoint in which everything is 3."""

    def __call__(self, module: nn.Module) -> None:
        for parameter in module.parameters():
            nn.init.constant_(parameter, 3.0)


def fill(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter a value that cannot go unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * 0.2 + (1.0 if "norm" in name and name.endswith("weight") else 0.0))
    return module


def images(height: int, width: int, batch: int = 2, seed: int = 1) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


class PlugContract:
    """Contracts 1 and 1b. ``config`` is a small backbone of the family, with all outputs; ``stem`` is in layer 0."""

    config: dict[str, Any]
    stem: str

    def inputs(self, height: int, width: int) -> Tensor:
        """Two samples."""
        return images(height, width)

    def outputs(self, backbone: Backbone, x: Tensor) -> tuple[Tensor, ...]:
        result = backbone(x)
        return result if isinstance(result, tuple) else (result,)

    def build(self, **words: Any) -> Backbone:
        torch.manual_seed(0)
        backbone = MODELS.build({**self.config, **words})
        fill(backbone)
        return backbone

    def test_samples_do_not_mix(self) -> None:
        backbone = self.build().eval()
        both = self.outputs(backbone, self.inputs(61, 45))
        for i in range(2):
            alone = self.outputs(backbone, self.inputs(61, 45)[i : i + 1])
            for one, of_both in zip(alone, both, strict=True):
                torch.testing.assert_close(one[0], of_both[i], atol=1e-5, rtol=0)

    def test_every_parameter_gets_a_gradient(self) -> None:
        backbone = self.build().train()
        sum(each.pow(2).mean() for each in self.outputs(backbone, self.inputs(61, 45))).backward()
        without = [name for name, p in backbone.named_parameters() if p.grad is None or not p.grad.any()]
        assert without == []

    def test_checkpointing_changes_neither_output_nor_gradients(self) -> None:
        plain = self.build(drop_path_rate=0.5).train()
        saving = self.build(drop_path_rate=0.5, with_cp=True).train()
        results = []
        for backbone in (plain, saving):
            torch.manual_seed(3)
            maps = self.outputs(backbone, self.inputs(48, 48))
            sum(each.pow(2).mean() for each in maps).backward()
            results.append([*maps, *(p.grad for p in backbone.parameters())])
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, atol=0, rtol=0)

    def test_drop_path_rests_in_eval_mode_only(self) -> None:
        backbone = self.build(drop_path_rate=0.5)
        x = self.inputs(48, 48)
        for mode in (True, False):
            first, second = (self.outputs(backbone.train(mode), x)[-1] for _ in range(2))
            assert torch.equal(first, second) != mode

    def test_frozen_stages_stay_frozen(self) -> None:
        for stages in range(-1, self.build().num_stages + 1):
            backbone = self.build(frozen_stages=stages, drop_path_rate=0.5)
            for _ in range(2):
                assert backbone.train() is backbone
                frozen = {name for name, p in backbone.named_parameters() if not p.requires_grad}
                assert (self.stem in frozen) == (stages >= 0)
                limit = {backbone.layer_id(name) for name in frozen}
                assert frozen == set() if stages < 0 else 0 in limit
                for name, module in backbone.named_modules():
                    own = [f"{name}.{leaf}" for leaf, _ in module.named_parameters(recurse=False)]
                    if own:
                        assert module.training == (not set(own) <= frozen)
                backbone.eval()
        everything = {name for name, _ in backbone.named_parameters()}
        assert frozen == everything

    def test_frozen_stages_out_of_range_are_refused(self) -> None:
        for wrong in (-2, 99):
            with pytest.raises(ConfigError, match="frozen_stages"):
                self.build(frozen_stages=wrong)

    def test_layers_rise_from_the_stem_to_the_head(self) -> None:
        backbone = self.build()
        layers = {name: backbone.layer_id(name) for name, _ in backbone.named_parameters()}
        assert layers[self.stem] == 0
        assert set(layers.values()) == set(range(backbone.num_layers))

    @pytest.mark.parametrize("wrong", ["backbone.mask_token", "head.weight", "norm", ""])
    def test_an_unknown_parameter_has_no_layer(self, wrong: str) -> None:
        with pytest.raises(ConfigError, match="has no parameter"):
            self.build().layer_id(wrong)

    def test_no_weight_decay_names_parameters(self) -> None:
        backbone = self.build()
        assert backbone.no_weight_decay() <= {name for name, _ in backbone.named_parameters()}

    def test_init_weights_draws_anew_once(self) -> None:
        backbone = self.build()
        filled = copy.deepcopy(backbone.state_dict())
        backbone.init_weights()
        drawn = copy.deepcopy(backbone.state_dict())
        assert all(not torch.equal(filled[name], drawn[name]) for name in drawn)
        backbone.init_weights()
        assert all(torch.equal(drawn[name], value) for name, value in backbone.state_dict().items())

    def test_the_same_seed_draws_the_same_weights(self) -> None:
        states = []
        for _ in range(2):
            torch.manual_seed(5)
            states.append(MODELS.build(dict(self.config)).state_dict())
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])

    def test_a_checkpoint_is_loaded_last(self) -> None:
        pretrained = {"type": "simmim_eval.TestPretrained"}
        zeros = {"type": "Constant", "layer": ["Linear", "LayerNorm"], "val": 0.0}
        for init_cfg in (pretrained, [pretrained, zeros]):
            backbone = self.build(init_cfg=init_cfg, frozen_stages=1)
            ModuleList([backbone, nn.Linear(1, 1)]).init_weights()
            assert all((parameter == 3).all() for parameter in backbone.parameters())

    def test_an_initialiser_of_mmengine_runs(self) -> None:
        backbone = self.build(init_cfg={"type": "Constant", "layer": "LayerNorm", "val": 7.0})
        backbone.init_weights()
        assert (backbone.norm.weight == 7).all()

    def test_a_silent_loader_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"expected 'simmim_eval\.Pretrained'"):
            self.build(init_cfg={"type": "Pretrained", "checkpoint": "x.pth"})

    def test_nothing_derived_is_saved(self) -> None:
        backbone = self.build()
        assert set(backbone.state_dict()) == {name for name, _ in backbone.named_parameters()} | self.state_buffers()

    def state_buffers(self) -> set[str]:
        """Buffers that a checkpoint must hold."""
        return set()

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
    def test_other_precisions(self, dtype: torch.dtype) -> None:
        backbone = self.build().eval()
        x = self.inputs(61, 45)
        reference = self.outputs(backbone, x)
        converted = self.outputs(copy.deepcopy(backbone).to(dtype), x.to(dtype))
        for ours, theirs in zip(converted, reference, strict=True):
            assert ours.dtype == dtype
            torch.testing.assert_close(ours.float(), theirs, atol=1e-4 if dtype == torch.float64 else 0.2, rtol=0)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = self.outputs(backbone, x)[-1]
        torch.testing.assert_close(mixed.float(), reference[-1], atol=0.2, rtol=0)

    def test_a_pass_without_gradients_does_not_spoil_training(self) -> None:
        backbone = self.build().train()
        with torch.inference_mode():
            self.outputs(backbone, self.inputs(80, 80))
        self.outputs(backbone, self.inputs(80, 80))[-1].sum().backward()


class BackboneContract(PlugContract):
    """Contract 1: images, masks and several outputs."""

    def masked(self) -> Backbone:
        return self.build(use_mask_token=True)

    def cells(self, backbone: Backbone, x: Tensor) -> tuple[int, int, int]:
        return (len(x), -(-x.shape[2] // backbone.mask_stride), -(-x.shape[3] // backbone.mask_stride))

    @pytest.mark.parametrize("size", SIZES)
    def test_maps_have_the_promised_shapes(self, size: tuple[int, int]) -> None:
        backbone = self.build().eval()
        maps = backbone(images(*size))
        assert isinstance(maps, tuple)
        expected = [
            (2, channels, -(-size[0] // stride), -(-size[1] // stride))
            for channels, stride in zip(backbone.channels, backbone.feature_strides, strict=True)
        ]
        assert [tuple(each.shape) for each in maps] == expected
        assert all(each.is_contiguous() for each in maps)

    def test_out_indices_choose_among_the_maps(self) -> None:
        everything = self.build().eval()
        last = len(everything.channels) - 1
        chosen = self.build(out_indices=(0, last)).eval()
        chosen.load_state_dict({name: everything.state_dict()[name] for name in chosen.state_dict()})
        maps = everything(images(61, 45))
        for ours, i in zip(chosen(images(61, 45)), (0, last), strict=True):
            assert torch.equal(ours, maps[i])
        assert chosen.channels == (everything.channels[0], everything.channels[last])

    @pytest.mark.parametrize("wrong", [(), (1, 0), (0, 0), (-1,), (99,)])
    def test_wrong_out_indices_are_refused(self, wrong: tuple[int, ...]) -> None:
        with pytest.raises(ConfigError, match=r"backbone\.out_indices"):
            self.build(out_indices=wrong)

    @pytest.mark.parametrize("size", SIZES)
    def test_hidden_pixels_reach_the_features_through_the_mask_token_only(self, size: tuple[int, int]) -> None:
        backbone = self.masked().eval()
        x = images(*size)
        mask = torch.rand(self.cells(backbone, x), generator=torch.Generator().manual_seed(2)) < 0.6
        stride = backbone.mask_stride
        pixels = mask.repeat_interleave(stride, 1).repeat_interleave(stride, 2)[:, None, : size[0], : size[1]]
        other = torch.where(pixels, torch.full_like(x, 1e3), x)
        for ours, theirs in zip(backbone(x, mask), backbone(other, mask), strict=True):
            assert torch.equal(ours, theirs)
        assert not torch.equal(backbone(x, mask)[-1], backbone(torch.where(pixels, x, other + 1), mask)[-1])
        before = backbone(x, mask)[-1]
        nn.init.constant_(backbone.mask_token, 2.0)
        assert not torch.equal(before, backbone(x, mask)[-1])

    def test_an_empty_mask_changes_nothing(self) -> None:
        backbone = self.masked().eval()
        x = images(61, 45)
        plain = backbone(x)
        for ours, theirs in zip(backbone(x, torch.zeros(self.cells(backbone, x)).bool()), plain, strict=True):
            assert torch.equal(ours, theirs)

    def test_a_mask_that_does_not_fit_is_refused(self) -> None:
        backbone = self.masked()
        x = images(61, 45)
        batch, rows, columns = self.cells(backbone, x)
        for shape in ((batch, columns + 1, rows), (batch, rows - 1, columns), (1, rows, columns), (rows, columns)):
            with pytest.raises(MaskError, match=f"need torch.bool of shape .*{rows}, {columns}"):
                backbone(x, torch.zeros(shape).bool())
        with pytest.raises(MaskError, match=r"mask is torch\.float32"):
            backbone(x, torch.zeros(batch, rows, columns))

    def test_the_mask_token_exists_in_pre_training_only(self) -> None:
        plain = self.build()
        assert "mask_token" not in plain.state_dict()
        with pytest.raises(MaskError, match="use_mask_token=True"):
            plain(images(48, 48), torch.zeros(self.cells(plain, images(48, 48))).bool())

    def test_the_mask_token_belongs_to_the_stem(self) -> None:
        backbone = self.masked()
        assert backbone.layer_id("mask_token") == 0
        assert "mask_token" in backbone.no_weight_decay()
        assert not self.build(use_mask_token=True, frozen_stages=0).mask_token.requires_grad

    def test_the_mask_token_gets_a_gradient(self) -> None:
        backbone = self.masked().train()
        x = images(61, 45)
        mask = torch.rand(self.cells(backbone, x), generator=torch.Generator().manual_seed(2)) < 0.5
        sum(each.pow(2).mean() for each in backbone(x, mask)).backward()
        assert all(p.grad is not None and p.grad.any() for p in backbone.parameters())
