import json
import subprocess
import sys

import pytest

from simmim_eval.doctor.inventory import find_module
from simmim_eval.doctor.operators import check_drn, check_operators, read_supplied, read_wanted


def test_supplied_is_compats_own_list() -> None:
    from simmim_eval.compat import mmcv_ext

    assert read_supplied() == set(mmcv_ext.__all__)


@pytest.mark.slow
def test_wanted_is_what_mmcv_asks_for() -> None:
    """Against the import itself, with an ``mmcv._ext`` that writes down what is asked of it."""
    code = """if True:
        import json, sys, types
        from importlib.machinery import ModuleSpec
        asked = set()
        class Counting(types.ModuleType):
            def __getattr__(self, name):
                if name.startswith("_"):
                    raise AttributeError(name)
                asked.add(name)
                return print
        sys.modules["mmcv._ext"] = module = Counting("mmcv._ext")
        module.__spec__ = ModuleSpec("mmcv._ext", None)
        import mmcv.ops
        print(json.dumps(sorted(asked)))
    """
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert read_wanted(find_module("mmcv")) == set(json.loads(done.stdout))


def test_stand_ins_here() -> None:
    (finding,) = check_operators()
    supplied, wanted = read_supplied(), read_wanted(find_module("mmcv"))
    assert supplied <= wanted
    assert f"{len(supplied)} of its {len(wanted)}" in finding.what
    for name in ("nms", "roi_align", "ms_deform_attn", "sync_bn"):
        assert f" {name}," in finding.what
    assert (finding.kind, finding.mend) == ("ok", "python -m simmim_eval.compat tools/train.py CONFIG")


def test_a_compiled_mmcv(bare_site, monkeypatch) -> None:
    bare_site.write("mmcv/__init__.py")
    bare_site.write("mmcv/_ext.cpython-311-x86_64-linux-gnu.so")
    monkeypatch.syspath_prepend(str(bare_site.folder))
    (finding,) = check_operators()
    assert "compiled" in finding.what and "not used" in finding.what and not finding.mend


def test_no_mmcv(bare_site, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [str(bare_site.folder)])
    assert check_operators() == [] and check_drn() == []


def test_the_module_that_the_wheel_lacks(bare_site, monkeypatch) -> None:
    (finding,) = check_drn()
    assert "mmaction.models.localizers.drn" in finding.what
    assert 'custom_imports = dict(imports=["simmim_eval.compat"])' in finding.mend
    bare_site.write("mmaction/__init__.py")
    bare_site.write("mmaction/models/localizers/drn/drn.py")
    monkeypatch.syspath_prepend(str(bare_site.folder))
    assert check_drn() == []
