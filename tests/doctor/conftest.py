"""A site-packages of fake distributions: metadata as pip writes it, and the few files that a check looks at."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import requires
from pathlib import Path

import pytest

from simmim_eval.doctor import finding
from simmim_eval.doctor.inventory import Inventory, read_inventory

# What mmdet 3.3.0, mmsegmentation 1.2.2 and mmaction2 1.2.0 write in their metadata.
MIM_EXTRA = ["mmcv<2.2.0,>=2.0.0rc4; extra == 'mim'", "mmengine<1.0.0,>=0.7.1; extra == 'mim'"]


class Site:
    """``site.add("numpy", "2.4.6")`` installs, ``site.inventory()`` reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(
        self,
        name: str,
        version: str,
        requires: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        editable: bool = False,
        python: str = "",
    ) -> "Site":
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Python: {python}"] * bool(python) + [f"Requires-Dist: {one}" for one in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        for path, text in (files or {}).items():
            self.write(path, text)
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in files or {}))
        if editable:
            (info / "direct_url.json").write_text(json.dumps({"url": "file:///src", "dir_info": {"editable": True}}))
        return self

    def write(self, path: str, text: str = "") -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def inventory(self) -> Inventory:
        return read_inventory([str(self.folder)])


@pytest.fixture
def bare_site(tmp_path: Path) -> Site:
    """Nothing in it."""
    return Site(tmp_path / "site-packages")


@pytest.fixture
def site(bare_site: Site) -> Site:
    """With this package, whose declared dependencies are the real ones, and the task libraries."""
    bare_site.add("simmim-eval", "0.1.0", requires("simmim-eval") or [], python=">=3.11,<3.14")
    bare_site.add("mmdet", "3.3.0", MIM_EXTRA).add("mmsegmentation", "1.2.2", MIM_EXTRA)
    return bare_site.add("mmaction2", "1.2.0", MIM_EXTRA)


@pytest.fixture(autouse=True)
def _short_pip(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Mends begin with ``pip``, as in an activated environment."""
    finding._program.cache_clear()
    monkeypatch.setattr(finding.shutil, "which", lambda name: str(Path(sys.executable).with_name(name)))
    yield
    finding._program.cache_clear()
