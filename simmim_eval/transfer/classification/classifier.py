"""A backbone, mean pooling and a linear head, trained on soft targets."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from timm.data.mixup import Mixup, mixup_target
from timm.data.random_erasing import RandomErasing
from timm.layers import trunc_normal_
from timm.loss import SoftTargetCrossEntropy
from torch import Tensor, nn

from simmim_eval.registry import MODELS

__all__ = ["ClassificationPreprocessor", "ImageClassifier"]


@MODELS.register_module()
class ClassificationPreprocessor(BaseDataPreprocessor):
    """Normalise uint8 images; in training erase, mix and turn labels into soft targets.

    The order is timm's: erasing works on normalised pixels, mixing on whole batches.

    Args:
        num_classes: Length of the soft targets.
        mean: Of the channels R, G, B, in 0–255 units.
        std: As ``mean``.
        label_smoothing: Share of a target that is spread over all classes.
        mixup: Further arguments of ``timm.data.Mixup`` (``mixup_alpha``, ``cutmix_alpha``, ``prob``, …); without
            them nothing is mixed. It pairs the images of a batch: the last of an odd batch is left out.
        erase_prob: Probability of random erasing (mode pixel, one region an image).
    """

    def __init__(
        self,
        num_classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        label_smoothing: float = 0.0,
        mixup: dict[str, Any] | None = None,
        erase_prob: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), False)
        self.mixup = Mixup(num_classes=num_classes, label_smoothing=label_smoothing, **(mixup or {"prob": 0.0}))
        self.erase = RandomErasing(erase_prob, mode="pixel", device="cpu")

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Batch of the default collation to ``inputs`` (B, 3, H, W) and ``labels``.

        ``labels`` are (B, num_classes) soft targets in training, (B,) class indices otherwise.
        """
        data = self.cast_data(data)
        inputs = (data["inputs"].float() - self.mean) / self.std
        labels = data["gt_label"]
        if training:
            inputs, labels = self._mix(self.erase(inputs), labels)
        return {"inputs": inputs, "labels": labels}

    def _mix(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if len(inputs) % 2:  # timm mixes pairs
            if not self.mixup.mix_prob:
                return inputs, mixup_target(labels, self.mixup.num_classes, 1.0, self.mixup.label_smoothing)
            inputs, labels = inputs[:-1], labels[:-1]
        mixed: tuple[Tensor, Tensor] = self.mixup(inputs, labels)
        return mixed


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """Mean of the backbone's last map, a norm if wished, then a linear layer: SimMIM's fine-tuning heads.

    .. code-block:: python

        dict(type="simmim_eval.ImageClassifier", backbone=swin, num_classes=1000, ...)
        # the mean of a ViT's patches is normed after the pooling, not before; so in SimMIM, BEiT and MAE
        dict(type="simmim_eval.ImageClassifier", backbone=dict(vit, final_norm=False), num_classes=1000, fc_norm=True,
             head_std=2e-5, ...)

    Args:
        backbone: Config of a backbone under contract 1.
        num_classes: Outputs of the head.
        data_preprocessor: Config of :class:`ClassificationPreprocessor`.
        fc_norm: Put a layer norm (eps 1e-6) between the pooling and the head.
        head_std: Standard deviation of the head's first weights: 0.02 for Swin, 2e-5 for SimMIM's ViT, BEiT and MAE.
        loss: Config of a loss over logits (B, num_classes) and soft targets (B, num_classes), such as
            ``dict(type="timm.loss.BinaryCrossEntropy", target_threshold=0.2)``; default: cross-entropy.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        num_classes: int,
        data_preprocessor: dict[str, Any],
        fc_norm: bool = False,
        head_std: float = 0.02,
        loss: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        dim = self.backbone.channels[-1]
        self.fc_norm = nn.LayerNorm(dim, eps=1e-6) if fc_norm else nn.Identity()
        self.head = nn.Linear(dim, num_classes)
        self.head_std = head_std
        self.loss: nn.Module = MODELS.build(loss) if loss else SoftTargetCrossEntropy()

    def init_weights(self) -> None:
        """The backbone's own initialisation, then the head: truncated normal, bias 0."""
        super().init_weights()
        trunc_normal_(self.head.weight, std=self.head_std)
        nn.init.zeros_(self.head.bias)

    def forward(self, inputs: Tensor, labels: Tensor | None = None, mode: str = "tensor") -> Any:
        """Class scores of images.

        Args:
            inputs: (B, 3, H, W), normalised.
            labels: Soft targets (B, num_classes) for ``loss``, class indices (B,) for ``predict``.
            mode: ``"tensor"`` gives logits (B, num_classes), ``"loss"`` a dict, ``"predict"`` a list of
                ``pred_score`` (num_classes,) and ``gt_label``.
        """
        logits = self.head(self.fc_norm(self.backbone(inputs)[-1].mean(dim=(2, 3))))
        if mode == "loss":
            return {"loss": self.loss(logits, labels)}
        if mode == "predict" and labels is not None:
            scores = logits.softmax(-1)
            return [{"pred_score": score, "gt_label": label} for score, label in zip(scores, labels, strict=True)]
        return logits
