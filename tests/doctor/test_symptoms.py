"""Errors as the libraries raise them, from modules of their names, through a real child process, to the mend."""

import pytest

from simmim_eval.doctor.symptoms import explain, explain_print
from simmim_eval.doctor.trials import GPU, Outcome, Trial, run_chains

LITE = 'pip install "mmcv-lite>=2.1,<2.2"'
OLD_NUMPY = 'pip install "numpy>=1.26,<2"'
NUMPY_1 = """
A module that was compiled using NumPy 1.x cannot be run in
NumPy 2.4.6 as it may crash. To support both 1.x and 2.x
versions of NumPy, modules must be compiled with NumPy 2.0.

Traceback (most recent call last):  File "<string>", line 1, in <module>
  File "/venv/lib/python3.11/site-packages/cv2/__init__.py", line 153, in bootstrap
    native_module = importlib.import_module("cv2")
AttributeError: _ARRAY_API not found
"""

# module that is imported, files, what is installed, mend
CASES = {
    "pkg_resources": (
        "mmengine",
        {"mmengine/__init__.py": "raise ModuleNotFoundError(\"No module named 'pkg_resources'\")"},
        {"mmengine": "0.10.7", "setuptools": "82.0.0"},
        'pip install "setuptools>=77.0.3,<81"',
    ),
    "mmcv assert": (
        "mmdet",
        {
            "mmdet/__init__.py": "assert False, ('MMCV==2.2.0 is used but incompatible. '\n"
            "'Please install mmcv>=2.0.0rc4, <2.2.0.')"
        },
        {"mmcv": "2.2.0"},
        f"pip uninstall -y mmcv && {LITE}",
    ),
    "mmengine assert": (
        "mmdet",
        {
            "mmdet/__init__.py": "assert False, ('MMEngine==0.7.0 is used but incompatible. '\n"
            "'Please install mmengine>=0.7.1, <1.0.0.')"
        },
        {"mmengine": "0.7.0"},
        'pip install "mmengine>=0.10.7,<0.11"',
    ),
    "mmcv of another torch": (
        "mmcv",
        {
            "mmcv/__init__.py": "raise ImportError('/venv/lib/python3.11/site-packages/mmcv/"
            "_ext.cpython-311-x86_64-linux-gnu.so: undefined symbol: _ZNK3c1010TensorImpl36is_contiguous')"
        },
        {"mmcv": "2.1.0", "torch": "2.14.1"},
        f"pip uninstall -y mmcv && {LITE}",
    ),
    "mmcv of another cuda": (
        "mmcv",
        {
            "mmcv/__init__.py": "import mmcv.utils.ext_loader",
            "mmcv/utils/__init__.py": "",
            "mmcv/utils/ext_loader.py": "raise ImportError('libcudart.so.11.0: cannot open shared object file: "
            "No such file or directory')",
        },
        {"mmcv": "2.1.0", "torch": "2.14.1"},
        f"pip uninstall -y mmcv && {LITE}",
    ),
    "libGL": (
        "cv2",
        {
            "cv2/__init__.py": "raise ImportError('libGL.so.1: cannot open shared object file: "
            "No such file or directory')"
        },
        {"opencv-python": "4.11.0.86"},
        "pip uninstall -y opencv-python && pip install opencv-python-headless",
    ),
    "libgthread": (
        "cv2",
        {"cv2.py": "raise ImportError('libgthread-2.0.so.0: cannot open shared object file: No such file')"},
        {"opencv-python": "4.5.0", "opencv-contrib-python": "4.5.0"},
        "pip uninstall -y opencv-python opencv-contrib-python && pip install opencv-python-headless",
    ),
    "torchvision": (
        "torchvision",
        {"torchvision/__init__.py": "raise RuntimeError('operator torchvision::nms does not exist')"},
        {"torch": "2.14.1", "torchvision": "0.28.0"},
        'pip install --force-reinstall torch==2.14.1 "torchvision==0.29.*"',
    ),
    "torchvision through mmcv": (
        "mmcv",
        {
            "mmcv/__init__.py": "import torchvision",
            "torchvision/__init__.py": "raise RuntimeError(\"Couldn't load custom C++ ops. This can happen if your "
            'PyTorch and torchvision versions are incompatible")',
        },
        {"torch": "2.6.0", "torchvision": "0.20.1"},
        'pip install --force-reinstall torch==2.6.0 "torchvision==0.21.*"',
    ),
    "torch without its cuda": (
        "torch",
        {"torch/__init__.py": "raise OSError('libcudnn.so.9: cannot open shared object file: No such file')"},
        {"torch": "2.14.1"},
        'pip install --force-reinstall torch==2.14.1 "torchvision==0.29.*"',
    ),
    "numpy 1 size": (
        "pycocotools",
        {
            "pycocotools/__init__.py": "raise ValueError('numpy.dtype size changed, may indicate binary "
            "incompatibility. Expected 96 from C header, got 88 from PyObject')"
        },
        {"pycocotools": "2.0.7", "numpy": "2.4.6"},
        'pip install --upgrade --force-reinstall --no-deps "pycocotools>=2.0.7"',
    ),
    "numpy 1 import": (
        "skimage",
        {
            "skimage/__init__.py": "import numpy.core.multiarray",
            "numpy/__init__.py": "",
            "numpy/core/__init__.py": "",
            "numpy/core/multiarray.py": "raise ImportError('numpy.core.multiarray failed to import')",
        },
        {"scikit-image": "0.20.0", "numpy": "2.4.6"},
        'pip install --upgrade --force-reinstall --no-deps "scikit-image>=0.24"',
    ),
    "numpy 1 and no newer build": (
        "decord",
        {
            "decord/__init__.py": f"import sys; sys.stderr.write('''{NUMPY_1.replace('cv2', 'decord')}''')\n"
            "raise ImportError('numpy.core._multiarray_umath failed to import')",
        },
        {"decord": "0.6.0", "numpy": "2.4.6"},
        OLD_NUMPY,
    ),
    "numpy name": (
        "mmengine",
        {
            "mmengine/__init__.py": "raise AttributeError('`np.float_` was removed in the NumPy 2.0 release. "
            "Use `np.float64` instead.')"
        },
        {"mmengine": "0.10.7", "numpy": "2.4.6"},
        OLD_NUMPY,
    ),
    "importlib_metadata": (
        "mmaction",
        {"mmaction/__init__.py": "raise ModuleNotFoundError(\"No module named 'importlib_metadata'\")"},
        {"mmaction2": "1.2.0"},
        'pip install "importlib_metadata>=6"',
    ),
    "ftfy": (
        "mmdet",
        {"mmdet/__init__.py": "raise ModuleNotFoundError(\"No module named 'ftfy'\")"},
        {"mmdet": "3.3.0"},
        'pip install "ftfy>=6.1"',
    ),
    "an undeclared one": (
        "mmdet",
        {"mmdet/__init__.py": "raise ModuleNotFoundError(\"No module named 'terminaltables.x'\")"},
        {"mmdet": "3.3.0"},
        "pip install terminaltables",
    ),
    "another name": (
        "mmengine",
        {"mmengine/__init__.py": "raise ModuleNotFoundError(\"No module named 'yaml'\")"},
        {},
        "pip install pyyaml",
    ),
    "half a library": (
        "mmseg",
        {"mmseg/__init__.py": "import mmseg.models"},
        {"mmsegmentation": "1.2.2"},
        'pip install --force-reinstall --no-deps "mmsegmentation>=1.2.2,<1.3"',
    ),
    "Python 3.14": (
        "mmcv",
        {"mmcv.py": "raise AttributeError(\"module 'pkgutil' has no attribute 'find_loader'\")"},
        {},
        "python3.13 -m venv .venv && source .venv/bin/activate",
    ),
    "an old setuptools": (
        "pkg_resources",
        {"pkg_resources.py": "raise AttributeError(\"module 'pkgutil' has no attribute 'ImpImporter'\")"},
        {"setuptools": "65.0"},
        'pip install "setuptools>=77.0.3,<81"',
    ),
    "a crash": (
        "timm",
        {"timm/__init__.py": "import timm.deep", "timm/deep.py": "import ctypes; ctypes.string_at(0)"},
        {"timm": "1.0.31"},
        'pip install --force-reinstall --no-deps "timm>=1.0.12,<2"',
    ),
    "a hang": ("av", {"av.py": "import time; time.sleep(600)"}, {"av": "15"}, "simmim-eval doctor --time-limit 120"),
    "a kill": (
        "av",
        {"av.py": "import os; os.kill(os.getpid(), 9)"},
        {"av": "15"},
        "free some memory, then: simmim-eval doctor",
    ),
    "anything else": (
        "timm",
        {"timm/__init__.py": "1 / 0"},
        {"timm": "1.0.31"},
        'pip install --force-reinstall --no-deps "timm>=1.0.12,<2"',
    ),
}


def tried(site, monkeypatch, module, files) -> Outcome:
    for path, source in files.items():
        site.write(path, source)
    monkeypatch.syspath_prepend(str(site.folder))
    (outcome,) = run_chains([[Trial(module)]], 2 if "hang" in repr(files) or "sleep" in repr(files) else 20)
    return outcome


@pytest.mark.parametrize(("module", "files", "installed", "mend"), CASES.values(), ids=CASES.keys())
def test_fault(bare_site, monkeypatch, module, files, installed, mend) -> None:
    from importlib.metadata import requires

    bare_site.add("simmim-eval", "0.1.0", requires("simmim-eval") or [])
    for name, version in installed.items():
        bare_site.add(name, version)
    outcome = tried(bare_site, monkeypatch, module, files)
    finding = explain(outcome, bare_site.inventory())
    assert (finding.kind, finding.mend) == ("fault", mend)
    assert finding.subject == f"import {module}"
    assert "\n" not in finding.what and len(finding.what) < 400


def test_the_task_libraries_own_assert(site, monkeypatch) -> None:
    """The real mmdet, mmsegmentation and mmaction2, beside the mmcv that users install by mistake."""
    site.add("mmcv", "2.2.0").write("mmcv/__init__.py", "__version__ = '2.2.0'")
    monkeypatch.syspath_prepend(str(site.folder))
    for outcome in run_chains([[Trial("mmdet"), Trial("mmseg"), Trial("mmaction")]], 30):
        finding = explain(outcome, site.inventory())
        assert "MMCV==2.2.0 is used but incompatible" in finding.what
        assert finding.mend == f"pip uninstall -y mmcv && {LITE}"


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        ("the process was ended by SIGSEGV", 'pip install --force-reinstall --no-deps "torch>=2.6"'),
        ("did not end within 30 s", "simmim-eval doctor --time-limit 120"),
    ],
)
def test_a_gpu_that_ends_the_process(site, error, mend) -> None:
    finding = explain(Outcome(GPU, error=error), site.inventory())
    assert (finding.subject, finding.mend) == ("GPU", mend)


def test_a_fault_of_our_own(site) -> None:
    finding = explain(Outcome("simmim_eval.backbones", error="SyntaxError: invalid syntax"), site.inventory())
    assert finding.mend == "in the checkout: pip install --no-deps --editable ."


def test_numpy_only_prints_and_fails_later(site, monkeypatch) -> None:
    site.add("opencv-python", "4.8.0").add("numpy", "2.4.6")
    outcome = tried(site, monkeypatch, "cv2", {"cv2/__init__.py": f"import sys; sys.stderr.write('''{NUMPY_1}''')"})
    assert not outcome.error
    (finding,) = explain_print(outcome, site.inventory())
    assert finding.kind == "fault" and "another numpy" in finding.what
    assert finding.mend == "pip install --upgrade --force-reinstall --no-deps opencv-python"


def test_a_harmless_print(site) -> None:
    outcome = Outcome("mmengine", printed="UserWarning: pkg_resources is deprecated as an API.")
    assert explain_print(outcome, site.inventory()) == []


def test_a_long_error_is_cut(site) -> None:
    finding = explain(Outcome("timm", error="RuntimeError: " + "x" * 5000), site.inventory())
    assert len(finding.what) <= 240 and finding.what.endswith("…")
