"""The import hook: what it adds, what it leaves alone, and what gives way to the real thing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import simmim_eval.compat

# isort: split
import mmcv
import mmcv.ops
import torch
from mmcv import _ext as stand_in
from mmengine.optim import build_optim_wrapper
from mmengine.utils.dl_utils import mmcv_full_available
from torch import nn

from simmim_eval.compat.finder import StandInFinder
from simmim_eval.compat.missing import StandInError
from simmim_eval.errors import UserError

ROOT = Path(__file__).parents[2]
SUPPORTED = {
    "bbox_overlaps",
    "carafe_backward",
    "carafe_forward",
    "carafe_naive_backward",
    "carafe_naive_forward",
    "deform_conv_backward_input",
    "deform_conv_backward_parameters",
    "deform_conv_forward",
    "deform_roi_pool_backward",
    "deform_roi_pool_forward",
    "masked_col2im_forward",
    "masked_im2col_forward",
    "modulated_deform_conv_backward",
    "modulated_deform_conv_forward",
    "ms_deform_attn_backward",
    "ms_deform_attn_forward",
    "nms",
    "nms_match",
    "psamask_backward",
    "psamask_forward",
    "roi_align_backward",
    "roi_align_forward",
    "roi_pool_backward",
    "roi_pool_forward",
    "sigmoid_focal_loss_backward",
    "sigmoid_focal_loss_forward",
    "softmax_focal_loss_backward",
    "softmax_focal_loss_forward",
    "softnms",
    "sync_bn_backward_data",
    "sync_bn_backward_param",
    "sync_bn_forward_mean",
    "sync_bn_forward_output",
    "sync_bn_forward_var",
    "tin_shift_backward",
    "tin_shift_forward",
}


def run_python(code: str, *paths: Path) -> str:
    """Standard output of a fresh interpreter that has ``paths`` and the project first on its path."""
    head = f"import sys; sys.path[:0] = {[str(path) for path in (*paths, ROOT)]!r}\n"
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ops_that_mmcv_asks_for() -> set[str]:
    """The names in every ``load_ext('_ext', [...])`` of mmcv's own files."""
    names = set()
    for file in Path(mmcv.ops.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "load_ext":
                names |= set(ast.literal_eval(node.args[1]))
    return names


def test_import_adds_one_finder_at_the_end_and_nothing_else() -> None:
    code = """
before, path, modules = list(sys.meta_path), list(sys.path), set(sys.modules)
import simmim_eval.compat
assert sys.meta_path[:-1] == before, sys.meta_path
assert type(sys.meta_path[-1]).__name__ == "StandInFinder"
simmim_eval.compat.install()
assert len(sys.meta_path) == len(before) + 1
assert sys.path == path
print(*sorted({name.split(".")[0] for name in set(sys.modules) - modules} - sys.stdlib_module_names))
"""
    assert run_python(code).split() == ["simmim_eval"]


def test_install_again_changes_nothing() -> None:
    before = list(sys.meta_path)
    simmim_eval.compat.install()
    assert sys.meta_path == before


def test_a_compiled_mmcv_and_a_whole_mmaction_win(tmp_path: Path) -> None:
    for module, text in {
        "mmcv/__init__.py": "",
        "mmcv/_ext.py": "def nms(): return 'compiled'",
        "mmaction/__init__.py": "",
        "mmaction/models/__init__.py": "",
        "mmaction/models/localizers/__init__.py": "",
        "mmaction/models/localizers/drn/drn.py": "DRN = 'whole'",
    }.items():
        file = tmp_path / module
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    code = """
import simmim_eval.compat
from mmcv import _ext
from mmaction.models.localizers.drn.drn import DRN
assert not hasattr(_ext, "softnms")
print(_ext.nms(), DRN)
"""
    assert run_python(code, tmp_path).split() == ["compiled", "whole"]


@pytest.mark.parametrize(
    "name", ["mmcv", "mmcv._ext2", "mmcv._ext.more", "_ext", "mmaction.models.localizers.drn.more"]
)
def test_other_names_are_left_to_others(name: str) -> None:
    assert StandInFinder().find_spec(name) is None


def test_every_op_that_mmcv_asks_for_is_answered_and_the_unsupported_raise_by_name() -> None:
    names = ops_that_mmcv_asks_for()
    assert len(names) > 100 and names > SUPPORTED
    assert set(stand_in.__all__) == SUPPORTED
    for name in names - SUPPORTED:
        with pytest.raises(NotImplementedError, match=rf"'{name}'.*install an mmcv") as caught:
            getattr(stand_in, name)(1, key=2)
        assert isinstance(caught.value, UserError)


def test_unsupported_op_raises_through_the_public_function() -> None:
    with pytest.raises(StandInError, match="'box_iou_rotated'"):
        mmcv.ops.box_iou_rotated(torch.zeros(1, 5), torch.zeros(1, 5))


def test_private_names_are_absent() -> None:
    assert not hasattr(stand_in, "__path__")
    assert not hasattr(stand_in, "_private")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mmengine calls pkgutil.find_loader
def test_mmengine_builds_an_optimiser_and_knows_deformable_offsets() -> None:
    assert mmcv_full_available()
    model = nn.Sequential(nn.Conv2d(3, 4, 1), mmcv.ops.ModulatedDeformConv2dPack(4, 4, 3))
    config = {"optimizer": {"type": "SGD", "lr": 1.0}, "paramwise_cfg": {"dcn_offset_lr_mult": 0.1}}
    groups = build_optim_wrapper(model, config).optimizer.param_groups
    rates = {id(group["params"][0]): group["lr"] for group in groups}
    expected = {name: 0.1 if "conv_offset" in name else 1.0 for name, _ in model.named_parameters()}
    assert {name: rates[id(parameter)] for name, parameter in model.named_parameters()} == pytest.approx(expected)


@pytest.mark.slow
def test_the_four_libraries_import_and_the_missing_localizer_raises_by_name() -> None:
    code = """
import simmim_eval.compat
import mmdet.models, mmseg.models, mmaction.models
from mmaction.registry import MODELS
from mmaction.models.localizers.drn.drn import DRN
assert MODELS.get("DRN") is DRN is mmaction.models.DRN
try:
    MODELS.build(dict(type="DRN", vocab_size=3))
except NotImplementedError as error:
    print(error)
"""
    assert "'DRN' is missing from the mmaction2 wheel" in run_python(code)
