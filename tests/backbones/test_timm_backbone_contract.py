"""TimmBackbone keeps the contract over each of timm's ways to give features."""

import pytest
from resnet_case import BatchNormContract
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

TIMM = "simmim_eval.TimmBackbone"


class NoBatchNorm:
    """In place of what :class:`BatchNormContract` asks of batch norms."""

    def test_an_initialiser_of_mmengine_runs(self) -> None:
        backbone = self.build(init_cfg={"type": "Constant", "layer": ["LayerNorm", "LayerNorm2d"], "val": 7.0})
        backbone.init_weights()
        norms = [module for module in backbone.modules() if isinstance(module, nn.LayerNorm)]
        assert norms
        assert all((norm.weight == 7).all() for norm in norms)

    def test_there_is_no_batch_norm(self) -> None:
        assert not any(isinstance(module, _BatchNorm) for module in self.build().modules())


class TestListOfStages(BatchNormContract):
    """``FeatureListNet``, whole names, sizes of any kind."""

    config = {"type": TIMM, "model_name": "test_resnet"}
    stem = "conv1.0.weight"


@pytest.mark.slow
class TestJoinedNames(NoBatchNorm, BatchNormContract):
    """``FeatureListNet``, two levels of names in one, images padded."""

    config = {"type": TIMM, "model_name": "test_convnext"}
    stem = "stem_0.weight"


@pytest.mark.slow
class TestChannelsLast(NoBatchNorm, BatchNormContract):
    """``FeatureListNet`` of maps (B, H, W, C)."""

    config = {"type": TIMM, "model_name": "test_mambaout"}
    stem = "stem.conv1.weight"


@pytest.mark.slow
class TestOwnExtractor(BatchNormContract):
    """``MobileNetV3Features``, which computes what no map needs when the last is left out."""

    config = {"type": TIMM, "model_name": "mobilenetv3_small_050"}
    stem = "conv_stem.weight"


class TestIntermediates(NoBatchNorm, BatchNormContract):
    """``FeatureGetterNet``: a ViT, any of whose blocks gives a map."""

    config = {"type": TIMM, "model_name": "test_vit", "out_indices": (0, 1, 2, 3, 4, 5)}
    stem = "model.patch_embed.proj.weight"

    def test_frozen_stages_stay_frozen(self) -> None:
        """A stage is a block here; the model itself, which holds its position table, goes on training."""
        for stages in range(-1, self.build().num_stages + 1):
            backbone = self.build(frozen_stages=stages, drop_path_rate=0.5)
            for mode in (True, False):
                backbone.train(mode)
                frozen = {name for name, parameter in backbone.named_parameters() if not parameter.requires_grad}
                assert {backbone.layer_id(name) for name in frozen} == set(range(stages + 1))
                for path, module in backbone.named_modules():
                    inside = {f"{path}.{name}" for name, _ in module.named_parameters()}
                    if path and inside:
                        assert module.training == (mode and not inside <= frozen)
        assert frozen == {name for name, _ in backbone.named_parameters()}
