"""One small network of each family under a classifier, in double precision, and what an optimiser made of it."""

from typing import Any

import torch
from mmengine.optim import build_optim_wrapper
from torch import Tensor, nn
from torch.nn import functional as F

from simmim_eval.registry import MODELS

FAMILIES: dict[str, dict[str, Any]] = {
    "swin": dict(
        type="simmim_eval.Swin",
        arch=dict(embed_dim=8, depths=(1, 2), num_heads=(1, 2)),
        window_size=4,
        out_indices=(1,),
    ),
    "swin_v2": dict(
        type="simmim_eval.SwinV2",
        arch=dict(embed_dim=8, depths=(1, 2), num_heads=(1, 2)),
        window_size=4,
        out_indices=(1,),
    ),
    "vit": dict(
        type="simmim_eval.ViT",
        arch=dict(embed_dim=8, depth=3, num_heads=2),
        img_size=32,
        patch_size=8,
        rel_pos="shared",
        init_values=0.1,
    ),
    "resnet": dict(
        type="simmim_eval.ResNet",
        arch=dict(layers=(1, 2), block="basic", base_channels=8),
        out_indices=(1,),
        norm_eval=True,  # the statistics of half a batch are not those of the whole
    ),
    "timm": dict(type="simmim_eval.TimmBackbone", model_name="test_convnext", out_indices=(3,)),
}
CONSTRUCTOR = dict(
    constructor="simmim_eval.LayerDecayConstructor",
    paramwise_cfg=dict(layer_decay=0.7),
    optimizer=dict(type="AdamW", lr=1e-2, weight_decay=0.05),
)


class Classifier(nn.Module):
    """Mean of the last map, a linear layer, mean cross-entropy."""

    def __init__(self, family: str, **words: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = MODELS.build({**FAMILIES[family], **words})
        self.head = nn.Linear(self.backbone.channels[-1], 3)
        self.double()
        with torch.no_grad():
            for parameter in self.parameters():  # what starts at 0 stops gradients
                parameter.add_(torch.randn_like(parameter), alpha=0.05)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(self.head(self.backbone(images)[-1].mean((2, 3))), labels)


def batches(steps: int = 2, size: int = 4) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(size, 3, 32, 32, generator=generator, dtype=torch.float64),
            torch.randint(3, (size,), generator=generator),
        )
        for _ in range(steps)
    ]


def wrapper_of(model: nn.Module, **words: Any) -> Any:
    return build_optim_wrapper(model, {**CONSTRUCTOR, **words})


def groups_of(wrapper: Any) -> list[tuple[str, int, float, float, int]]:
    """Name, layer, rate, weight decay and number of parameters of each group."""
    return [
        (group["name"], group["layer"], group["lr"], group["weight_decay"], sum(p.numel() for p in group["params"]))
        for group in wrapper.optimizer.param_groups
    ]


def train(model: nn.Module, wrapper: Any, data: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """One update for each batch; the weights after them."""
    model.train()
    for images, labels in data:
        with wrapper.optim_context(model):
            loss = model(images, labels)
        wrapper.update_params(loss)
    return {name.removeprefix("module."): value.detach().clone() for name, value in model.named_parameters()}


def assert_same_weights(ours: dict[str, Tensor], theirs: dict[str, Tensor], atol: float = 1e-9) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(
            value, theirs[name], atol=atol, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
        )
