"""Our data sets of mmdet, mmseg and mmaction, registered without importing those libraries.

Each import takes seconds, and mmengine imports all locations of a registry at its first miss. So a builder is
registered under the name of the class; it imports the class when a config asks for one.
"""

from importlib import import_module
from typing import Any

from simmim_eval.registry import DATASETS

__all__: list[str] = []

_CLASSES = {
    "Coco": "simmim_eval.data.coco",
    "ADE20K": "simmim_eval.data.ade20k",
    "Kinetics": "simmim_eval.data.kinetics",
}


def _register(name: str, module: str) -> None:
    def build(*args: Any, **options: Any) -> Any:
        return getattr(import_module(module), name)(*args, **options)

    build.__name__ = build.__qualname__ = name
    DATASETS.register_module(name=name, module=build)


for _name, _module in _CLASSES.items():
    _register(_name, _module)
