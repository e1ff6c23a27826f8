"""What the contract means where there are batch norms and no output norms, and values for every tensor of a ResNet."""

from typing import Any

import torch
from backbone_contract import BackboneContract, PlugContract
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from simmim_eval.backbones import Backbone
from simmim_eval.registry import MODELS

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def fill_convolutional(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter and statistic a value that cannot go unnoticed, and keep the activations small."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict(keep_vars=True).items():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("num_batches_tracked"):
                tensor.fill_(7)
            elif name.endswith("running_var"):
                tensor.copy_(noise.abs() + 1)
            elif tensor.dim() >= 2 and not name.endswith("mask_token"):
                tensor.copy_(noise * tensor[0].numel() ** -0.5)
            else:
                tensor.copy_(noise * 0.2 + (1.0 if name.endswith("weight") else 0.0))
    return module


class BatchNormPlug(PlugContract):
    """The head has no parameter of the backbone; statistics are saved; there is no output norm to initialise."""

    def build(self, **words: Any) -> Backbone:
        torch.manual_seed(0)
        backbone = MODELS.build(self.described(**words))
        fill_convolutional(backbone)
        return backbone

    def described(self, **words: Any) -> dict[str, Any]:
        return {**self.config, **words}

    def state_buffers(self) -> set[str]:
        norms = (name for name, module in self.build().named_modules() if isinstance(module, _BatchNorm))
        return {f"{name}.{statistic}" for name in norms for statistic in STATISTICS}

    def test_layers_rise_from_the_stem_to_the_head(self) -> None:
        backbone = self.build()
        layers = {name: backbone.layer_id(name) for name, _ in backbone.named_parameters()}
        assert layers[self.stem] == 0
        assert set(layers.values()) == set(range(backbone.num_layers - 1))

    def test_an_initialiser_of_mmengine_runs(self) -> None:
        layers = ["BatchNorm2d", "BatchNorm3d"]
        backbone = self.build(init_cfg={"type": "Constant", "layer": layers, "val": 7.0})
        backbone.init_weights()
        norms = [module for module in backbone.modules() if isinstance(module, _BatchNorm)]
        assert norms
        assert all((norm.weight == 7).all() for norm in norms)

    def test_recomputed_blocks_count_a_batch_once(self) -> None:
        states = []
        for with_cp in (False, True):
            backbone = self.build(with_cp=with_cp).train()
            sum(each.pow(2).mean() for each in self.outputs(backbone, self.inputs(48, 48))).backward()
            states.append(backbone.state_dict())
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
        assert all((value == 8).all() for name, value in states[1].items() if name.endswith("num_batches_tracked"))

    def test_statistics_rest_where_norms_are_frozen(self) -> None:
        for words in ({"norm_eval": True}, {"frozen_stages": self.build().num_stages}):
            backbone = self.build(**words).train()
            before = {name: value.clone() for name, value in backbone.named_buffers()}
            self.outputs(backbone, self.inputs(48, 48))
            assert all(torch.equal(before[name], value) for name, value in backbone.named_buffers())


class BatchNormContract(BatchNormPlug, BackboneContract):
    """Contract 1 for such a backbone: nothing hidden leaks through the statistics of a batch either."""

    def test_hidden_pixels_do_not_reach_the_statistics_of_a_batch(self) -> None:
        results = []
        for noise in (0.0, 1e4):
            backbone = self.build(use_mask_token=True).train()
            x = self.inputs(61, 45)
            mask = torch.rand(self.cells(backbone, x), generator=torch.Generator().manual_seed(2)) < 0.6
            x = torch.where(mask[:, None], x + noise, x).requires_grad_()
            maps = backbone(x, mask)
            sum(each.pow(2).mean() for each in maps).backward()
            assert not x.grad[mask[:, None].expand_as(x)].any()
            assert x.grad.any()
            gradients = [parameter.grad for parameter in backbone.parameters()]
            results.append([*maps, *gradients, *backbone.buffers()])
        assert all(torch.equal(*both) for both in zip(*results, strict=True))
