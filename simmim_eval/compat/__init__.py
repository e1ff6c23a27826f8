"""OpenMMLab's stock wheels on a current PyTorch, without a compiler.

``mmcv-lite`` holds every Python file of ``mmcv.ops`` and lacks only the compiled module ``mmcv._ext``, without
which mmdet and mmseg cannot be imported. Importing this package installs one import hook that supplies it from
torchvision and plain torch, and a module that the mmaction2 wheel forgot. Nothing is patched, and a compiled
mmcv, where there is one, is found first.

Import it before the first OpenMMLab library. In a config for a stock ``tools/train.py``:

    custom_imports = dict(imports=["simmim_eval.compat"])
"""

from simmim_eval.compat.finder import install

__all__ = ["install"]

install()
