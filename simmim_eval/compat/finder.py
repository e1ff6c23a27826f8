"""The import hook: asked last, it knows three names.

A finder at the end of ``sys.meta_path`` only sees names that nothing else could find. So the compiled ``mmcv._ext``,
or an mmaction2 that ships its whole tree, wins without a check, and a stand-in costs nothing until it is imported.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["StandInFinder", "install"]

_FILES = {
    "mmcv._ext": "mmcv_ext.py",
    "mmaction.models.localizers.drn.drn": "mmaction_drn.py",
}
# In mmaction2's repository this folder has no __init__.py, which is how its wheel lost it.
_FOLDERS = ("mmaction.models.localizers.drn",)


class StandInFinder(MetaPathFinder):
    """Finds the stand-ins of this package under the names of what they stand in for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a stand-in, or None for any other name.

        ``mmcv._ext`` gets a spec with a loader, so that mmengine's ``mmcv_full_available()`` is true: the op classes
        can be imported, and its optimiser constructor then treats deformable convolutions as with a compiled mmcv.
        """
        if fullname in _FOLDERS:
            return ModuleSpec(fullname, None, is_package=True)
        if fullname in _FILES:
            return spec_from_file_location(fullname, Path(__file__).with_name(_FILES[fullname]))
        return None


def install() -> None:
    """Append the finder to ``sys.meta_path``, unless it is there already."""
    if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        sys.meta_path.append(StandInFinder())
