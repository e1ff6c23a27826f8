"""Readers are registered without the libraries that they need, which are imported when a config asks for one."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import simmim_eval.data
from simmim_eval.registry import DATASETS, TRANSFORMS

assert {"ImageNet", "Coco", "ADE20K", "Kinetics"} <= set(DATASETS.module_dict)
assert {"LoadImage", "LoadLabelMap", "OpenVideo", "DecodeVideo"} <= set(TRANSFORMS.module_dict)
print([name for name in ("mmcv", "mmdet", "mmseg", "mmaction", "cv2") if name in sys.modules])
"""


@pytest.mark.slow
def test_registered_without_importing_the_libraries():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_classes_are_those_of_the_libraries():
    from simmim_eval.data.ade20k import ADE20K
    from simmim_eval.data.coco import Coco
    from simmim_eval.data.kinetics import Kinetics

    bases = {base.__module__.split(".")[0] for cls in (ADE20K, Coco, Kinetics) for base in cls.__mro__}
    assert {"mmdet", "mmseg", "mmaction"} <= bases
