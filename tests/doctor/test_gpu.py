"""What torch may say of a GPU; the facts are those that child.gpu_facts returns."""

import pytest

from simmim_eval.doctor.gpu import check_gpu

CUDA = {"cuda": "13.0", "hip": "", "names": [], "fails": ""}
OLD_DRIVER = (
    "UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version {}). Please update "
    "your GPU driver by downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx"
)


@pytest.fixture
def check(site):
    inventory = site.add("torch", "2.14.1").add("torchvision", "0.29.1").inventory()

    def run(facts, printed="", devices=True, visible=None):
        (finding,) = check_gpu(CUDA | facts, printed, inventory, devices=devices, visible=visible)
        return finding

    return run


def test_a_gpu_that_works(check) -> None:
    finding = check({"names": ["NVIDIA H100 80GB HBM3, 79 GiB"]})
    assert finding.kind == "ok" and "H100" in finding.what and "CUDA 13.0" in finding.what


def test_no_gpu(check) -> None:
    assert check({}, devices=False).kind == "ok"
    assert "CPU build" in check({"cuda": ""}, devices=False).what


def test_a_hidden_gpu(check) -> None:
    assert check({}, visible="").kind == check({}, visible="-1").kind == "ok"


def test_a_cpu_build_beside_a_gpu(check) -> None:
    finding = check({"cuda": ""})
    assert finding.kind == "warning"
    assert finding.mend == 'pip install --force-reinstall torch==2.14.1 "torchvision==0.29.*"'


@pytest.mark.parametrize(("found", "wheels"), [(12020, "cu126"), (11040, "cu118")])
def test_an_old_driver(check, found, wheels) -> None:
    finding = check({}, OLD_DRIVER.format(found))
    assert finding.kind == "warning" and f"CUDA {found // 1000}.{found % 1000 // 10}" in finding.what
    assert finding.mend == (
        'pip install --force-reinstall "torch>=2.6" "torchvision>=0.21" '
        f"--index-url https://download.pytorch.org/whl/{wheels}"
    )


def test_a_driver_older_than_all_wheels(check) -> None:
    assert check({}, OLD_DRIVER.format(10020)).mend == "update the NVIDIA driver"


def test_a_gpu_that_torch_cannot_use(check) -> None:
    finding = check(
        {}, "UserWarning: CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up"
    )
    assert finding.kind == "warning" and "CUDA unknown error" in finding.what


def test_a_gpu_newer_than_torch(check) -> None:
    error = "CUDA error: no kernel image is available for execution on the device"
    finding = check({"names": ["NVIDIA GeForce RTX 5090, 32 GiB"], "fails": error})
    assert finding.kind == "fault" and error in finding.what
    assert finding.mend == 'pip install --upgrade "torch>=2.6" "torchvision>=0.21"'
