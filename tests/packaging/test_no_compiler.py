"""The three task libraries, and one step of their compiled operators' stand-ins, with no compiler and no libGL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "clang++", "nvcc", "ninja", "make")

SCRIPT = f"""
import shutil
assert not [name for name in {COMPILERS} if shutil.which(name)]
import simmim_eval.compat
import mmaction.models, mmdet.models, mmseg.models
import torch
from mmcv.ops import nms
boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0], [0.0, 0.0, 8.0, 7.0], [9.0, 9.0, 12.0, 12.0]])
kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), iou_threshold=0.5)[1]
assert kept.tolist() == [0, 2], kept
libraries = {{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}}
assert any("libtorch" in path for path in libraries)
graphics = sorted(path for path in libraries if "libGL" in path or "libEGL" in path or "libX11" in path)
assert not graphics, graphics
print("ok")
"""


@pytest.mark.slow
def test_libraries_load_without_compiler_and_without_libgl(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX", "CUDA_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**environment, "PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.splitlines()[-1] == "ok"
