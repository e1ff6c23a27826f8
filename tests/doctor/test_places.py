import subprocess
import sys

import pytest

from simmim_eval.doctor.examination import ROOT
from simmim_eval.doctor.inventory import find_module, read_inventory
from simmim_eval.doctor.places import check_links, check_mim_folders, check_places, check_version

CONFIG = "mmdet/.mim/configs/_base_/default_runtime.py"


@pytest.fixture
def on_path(site, monkeypatch):
    """The fake site comes first on the search path, as PYTHONPATH would put it."""
    monkeypatch.syspath_prepend(str(site.folder))
    return site


def test_this_installation_is_in_its_place() -> None:
    inventory = read_inventory()
    assert check_places(inventory) == []
    assert check_mim_folders(inventory) == []
    assert check_links(ROOT) == []
    assert check_version(inventory, inventory.version("simmim-eval"), ROOT) == []


def test_find_module_is_what_an_import_finds() -> None:
    for name in ("mmcv", "simmim_eval", "wave"):
        code = f"import importlib.util, os; print(os.path.dirname(importlib.util.find_spec({name!r}).origin))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
        assert str(find_module(name)) == done.stdout.strip()
    assert find_module("no_such_package") is None


def test_a_folder_of_ones_own_hides_a_library(on_path, tmp_path, monkeypatch) -> None:
    on_path.add("mmcv-lite", "2.1.0", files={"mmcv/__init__.py": ""})
    assert not [one for one in check_places(on_path.inventory()) if one.subject == "mmcv-lite"]
    mine = tmp_path / "project"
    (mine / "mmcv").mkdir(parents=True)
    (mine / "mmcv" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(mine))
    finding = next(one for one in check_places(on_path.inventory()) if one.subject == "mmcv-lite")
    assert finding.kind == "fault" and f"finds {mine / 'mmcv'}" in finding.what
    assert f"rename {mine / 'mmcv'}" in finding.mend and "PYTHONPATH" in finding.mend


def test_a_folder_without_a_package_hides_nothing(on_path, tmp_path, monkeypatch) -> None:
    on_path.add("timm", "1.0.31", files={"timm/__init__.py": ""})
    (tmp_path / "project" / "timm").mkdir(parents=True)  # a namespace at most
    monkeypatch.syspath_prepend(str(tmp_path / "project"))
    assert not [one for one in check_places(on_path.inventory()) if one.subject == "timm"]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_files_that_are_gone(bare_site, monkeypatch, tmp_path, elsewhere) -> None:
    """Also where another folder of the path has such a package."""
    bare_site.add("mmengine", "0.10.7")
    if elsewhere:
        (tmp_path / "mmengine").mkdir()
        (tmp_path / "mmengine" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(bare_site.folder), str(tmp_path)])
    (finding,) = check_places(bare_site.inventory())
    assert "its files are gone" in finding.what
    assert finding.mend == "pip install --force-reinstall --no-deps mmengine==0.10.7"


def test_an_editable_library_may_lie_anywhere(bare_site, monkeypatch) -> None:
    bare_site.add("timm", "1.0.31", editable=True)
    assert check_places(bare_site.inventory()) == []


def test_a_link_that_became_a_file(tmp_path) -> None:
    """As a checkout on Windows, or an archive, leaves it."""
    package = tmp_path / "simmim_eval"
    for name in ("backbones", "configs"):
        (tmp_path / name).mkdir()
    package.mkdir()
    (package / "backbones").write_text("../backbones")
    (package / "configs").symlink_to("../configs")
    (finding,) = check_links(package)
    assert finding.kind == "fault" and "configs:" not in finding.what
    subprocess.run(finding.mend, shell=True, check=True)
    assert check_links(package) == []


def test_metadata_of_another_version(site) -> None:
    (finding,) = check_version(site.inventory(), "0.2.0", ROOT)
    assert "0.2.0 runs" in finding.what and "0.1.0 is installed" in finding.what
    assert finding.mend == f"pip install --no-deps --editable {ROOT.parent}"


def mim(site):
    return [one for one in check_mim_folders(site.inventory()) if one.subject == "mmdet"]


@pytest.fixture
def mmdet(bare_site, monkeypatch):
    files = {"mmdet/__init__.py": "", CONFIG: "", "mmdet/.mim/configs/yolo/yolo.py": ""}
    bare_site.add("mmdet", "3.3.0", files=files)
    monkeypatch.syspath_prepend(str(bare_site.folder))
    return bare_site


def test_configs_of_the_installed_version(mmdet) -> None:
    assert mim(mmdet) == []


def test_configs_that_another_version_left(mmdet) -> None:
    mmdet.write("mmdet/.mim/configs/solo/old.py")
    (finding,) = mim(mmdet)
    assert finding.kind == "warning" and "1 are of another version" in finding.what
    folder = mmdet.folder / "mmdet" / ".mim"
    assert finding.mend == f"rm -rf {folder} && pip install --force-reinstall --no-deps mmdet==3.3.0"


def test_configs_that_are_gone(mmdet) -> None:
    (mmdet.folder / CONFIG).unlink()
    (finding,) = mim(mmdet)
    assert finding.kind == "fault" and "1 configs of 3.3.0 are gone" in finding.what


def test_an_editable_library_without_its_configs(bare_site, tmp_path, monkeypatch) -> None:
    """Today's editable installations do not run the hook that makes ``.mim``."""
    source = tmp_path / "mmdetection"
    (source / "mmdet").mkdir(parents=True)
    (source / "mmdet" / "__init__.py").touch()
    (source / "configs").mkdir()
    (source / "model-index.yml").touch()
    bare_site.add("mmdet", "3.3.0", editable=True)
    monkeypatch.syspath_prepend(str(source))
    (finding,) = mim(bare_site)
    assert finding.kind == "fault" and '"mmdet::…" fails' in finding.what
    subprocess.run(finding.mend, shell=True, check=True)
    for name in ("configs", "model-index.yml"):
        assert (source / "mmdet" / ".mim" / name).resolve() == source / name
    assert mim(bare_site) == []
