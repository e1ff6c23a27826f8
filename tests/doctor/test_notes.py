import pytest

from simmim_eval.doctor.notes import check_decord, check_numpy_names, check_weights_only


def test_stock_checkpoints(site) -> None:
    site.add("torch", "2.6.0+cu124").add("mmengine", "0.10.7")
    (finding,) = check_weights_only(site.inventory())
    assert finding.kind == "ok" and "UnpicklingError" in finding.what
    assert finding.mend == "python -m simmim_eval.compat tools/test.py CONFIG CHECKPOINT"


@pytest.mark.parametrize(("torch", "mmengine"), [("2.5.1", "0.10.7"), ("2.9.0", "0.11.0")])
def test_checkpoints_that_are_read(site, torch, mmengine) -> None:
    assert check_weights_only(site.add("torch", torch).add("mmengine", mmengine).inventory()) == []


def test_decord(site) -> None:
    (finding,) = check_decord(site.inventory(), "x86_64")
    assert (finding.kind, finding.mend) == ("ok", "pip install decord")
    (finding,) = check_decord(site.inventory(), "aarch64")
    assert finding.kind == "ok" and "no wheel for aarch64" in finding.what and "PyAVInit" in finding.mend
    assert check_decord(site.add("decord", "0.6.0").inventory()) == []


def test_names_that_numpy_2_removed(site) -> None:
    (finding,) = check_numpy_names(site.add("numpy", "2.1.0").inventory())
    assert finding.kind == "ok" and "AVA" in finding.what and 'pip install "numpy>=1.26,<2"' in finding.mend


def test_names_that_numpy_1_has(site) -> None:
    assert check_numpy_names(site.add("numpy", "1.26.4").inventory()) == []
