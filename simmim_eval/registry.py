"""Child registries under the scope ``simmim_eval``.

mmengine imports this module, and then the ``locations``, when it meets ``type='simmim_eval.Swin'`` in any
config; it swallows an ImportError here, so nothing heavy is imported.
"""

from mmengine import registry as root

__all__ = [
    "DATASETS",
    "METRICS",
    "MODELS",
    "OPTIM_WRAPPER_CONSTRUCTORS",
    "TRANSFORMS",
    "WEIGHT_INITIALIZERS",
]


def _child(name: str, parent: root.Registry, *locations: str) -> root.Registry:
    paths = [f"simmim_eval.{location}" for location in locations]
    return root.Registry(name, parent=parent, scope="simmim_eval", locations=paths)


MODELS = _child(
    "model",
    root.MODELS,
    "backbones",
    "pretraining",
    "transfer.classification.classifier",
    "transfer.detection.simple_pyramid",
)
DATASETS = _child("dataset", root.DATASETS, "data")
TRANSFORMS = _child(
    "transform",
    root.TRANSFORMS,
    "data",
    "pretraining",
    "transfer.classification.transforms",
    "transfer.recognition.order",
)
METRICS = _child(
    "metric",
    root.METRICS,
    "pretraining",
    "transfer.accuracy",
    "transfer.detection",
    "transfer.segmentation",
    "transfer.recognition.order",
)
WEIGHT_INITIALIZERS = _child("weight initializer", root.WEIGHT_INITIALIZERS, "weights")
OPTIM_WRAPPER_CONSTRUCTORS = _child("optimizer wrapper constructor", root.OPTIM_WRAPPER_CONSTRUCTORS, "optim")
