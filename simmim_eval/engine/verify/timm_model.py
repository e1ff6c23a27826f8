"""timm's own classifier with the weights of ``timm:NAME``, evaluated as timm evaluates it."""

from pathlib import Path
from typing import Any

import timm
from mmengine.config import Config
from mmengine.model import BaseModel
from timm.data import resolve_data_config
from torch import Tensor, nn

from simmim_eval.errors import CheckpointError
from simmim_eval.registry import MODELS
from simmim_eval.weights import Checkpoint

__all__ = ["SCHEME", "TimmClassifier", "timm_classifier"]

SCHEME = "timm:"
RANGE = 255.0  # timm's means are of pixels from 0 to 1


class TimmClassifier(BaseModel):
    """A whole model of timm under mmengine's ``test``.

    Args:
        model: Images (B, 3, H, W), normalised, to logits (B, num_classes).
        data_preprocessor: Config of ``ClassificationPreprocessor``.
    """

    def __init__(self, model: nn.Module, data_preprocessor: dict[str, Any]) -> None:
        super().__init__(data_preprocessor=MODELS.build(data_preprocessor))
        self.model = model

    def forward(self, inputs: Tensor, labels: Tensor, mode: str = "predict") -> list[dict[str, Tensor]]:
        """``pred_score`` (num_classes,) and ``gt_label`` of each image."""
        scores = self.model(inputs).softmax(-1)
        return [{"pred_score": score, "gt_label": label} for score, label in zip(scores, labels, strict=True)]


def timm_classifier(checkpoint: Checkpoint, root: Path, split: str) -> tuple[nn.Module, str, Config]:
    """The model, filled from the checkpoint by timm's own rules and strictly, a line on it, and the config of its test.

    Raises:
        CheckpointError: The file does not hold all of the model.
    """
    name = checkpoint.source.removeprefix(SCHEME)
    try:
        filled: Any = {"state_dict": dict(checkpoint.state), "source": "", "hf_hub_id": None}
        model: Any = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=filled)
    except (RuntimeError, KeyError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{checkpoint.source}: does not hold the whole of timm's model ({first}).") from error
    how = resolve_data_config({}, model=model, use_test_size=True)
    preprocessor = {
        "type": "simmim_eval.ClassificationPreprocessor",
        "num_classes": model.num_classes,
        "mean": [RANGE * value for value in how["mean"]],
        "std": [RANGE * value for value in how["std"]],
    }
    transform = {
        "type": "simmim_eval.TimmTransform",
        "size": how["input_size"][-1],
        "is_training": False,
        "crop_pct": how["crop_pct"],
        "crop_mode": how["crop_mode"],
        "interpolation": how["interpolation"],
    }
    config = Config(
        {
            "default_scope": "mmengine",
            "test_dataloader": {
                "batch_size": 64,
                "num_workers": 0,
                "sampler": {"type": "DefaultSampler", "shuffle": False},
                "collate_fn": {"type": "default_collate"},
                "dataset": {
                    "type": "simmim_eval.ImageNet",
                    "data_root": str(root),
                    "split": split,
                    "pipeline": [{"type": "simmim_eval.LoadImage"}, transform],
                },
            },
            "test_evaluator": {"type": "simmim_eval.Accuracy"},
            "test_cfg": {"type": "TestLoop"},
        }
    )
    return TimmClassifier(model, preprocessor), f"all {len(model.state_dict())} tensors by timm", config
