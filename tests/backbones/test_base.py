"""What the base class does for batch norms, which Swin has not."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from simmim_eval.backbones import Backbone


class Convolutional(Backbone):
    """The smallest backbone there is: a stem and one stage."""

    channels = (4,)
    feature_strides = (2,)
    mask_stride = 2
    num_layers = 3
    num_stages = 1

    def __init__(self, frozen_stages: int = -1, norm_eval: bool = False) -> None:
        super().__init__(frozen_stages=frozen_stages, norm_eval=norm_eval)
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 2, 2), nn.BatchNorm2d(4))
        self.stage = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        return (self.run(self.stage, self.stem(x)),)

    def reset_parameters(self) -> None:
        for module in [*self.stem, *self.stage]:
            module.reset_parameters()

    def no_weight_decay(self) -> set[str]:
        return set()

    def frozen_parts(self, stages: int) -> list[nn.Module | nn.Parameter]:
        return [self.stem, self.stage][: stages + 1]

    def _layer_of(self, name: str) -> int:
        return 0 if name.startswith("stem") else 1


def statistics(backbone: nn.Module) -> Iterator[Tensor]:
    return (buffer.clone() for name, buffer in backbone.named_buffers() if name.endswith("running_mean"))


@pytest.mark.parametrize(
    ("words", "moves"),
    [({}, (True, True)), ({"norm_eval": True}, (False, False)), ({"frozen_stages": 0}, (False, True))],
)
def test_statistics_move_only_where_they_may(words: dict[str, int], moves: tuple[bool, bool]) -> None:
    backbone = Convolutional(**words)
    for _ in range(2):
        before = list(statistics(backbone.train()))
        backbone(torch.randn(2, 3, 8, 8) + 3)
        after = statistics(backbone)
        assert tuple(not torch.equal(*both) for both in zip(before, after, strict=True)) == moves
        backbone.eval()


def test_norm_eval_leaves_the_affine_part_to_training() -> None:
    backbone = Convolutional(norm_eval=True).train()
    assert backbone.training
    assert backbone.stem.training
    assert all(parameter.requires_grad for parameter in backbone.parameters())
