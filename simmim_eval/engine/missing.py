"""A recipe that needs a package which is not installed: which one, and the line that mends it."""

import re
from importlib.util import find_spec

__all__ = ["missing_package", "missing_scope"]

DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "lvis": "git+https://github.com/lvis-dataset/lvis-api.git",
    "panopticapi": "git+https://github.com/cocodataset/panopticapi.git",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
"""Packages whose import name is not what pip is told."""

SCOPES = ("mmaction", "mmdet", "mmdet3d", "mmocr", "mmpose", "mmpretrain", "mmrotate", "mmseg", "mmtrack", "mmyolo")
SAID = re.compile(r"(?:^|Package )(\w+) is not installed")
IMPORT_OF_A_CONFIG = re.compile(r"^Failed to import (\w+)")


def missing_package(error: ImportError | RuntimeError) -> str | None:
    """What a user needs to know of an import that failed, None where no package is missing.

    Libraries raise it themselves, with a line of their own, or leave it to Python.
    """
    text = str(error)
    if "pip install" in text:
        return " ".join(text.split())
    said = SAID.search(text)
    custom = IMPORT_OF_A_CONFIG.match(str(error.__cause__))  # what mmengine makes of custom_imports
    if custom and find_spec(custom[1]) is None:
        name = custom[1]
    elif said:
        name = said[1]
    elif isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.partition(".")[0]
    else:
        return None
    return _told(name)


def missing_scope(name: str) -> str | None:
    """The same for a registered name like ``mmpretrain.TIMMBackbone``, of a library that is not installed."""
    scope = name.partition(".")[0]
    return _told(scope) if scope in SCOPES and find_spec(scope) is None else None


def _told(package: str) -> str:
    return (
        f"needs the package {package}, which is not installed. Install it: "
        f"pip install '{DISTRIBUTIONS.get(package, package)}'"
    )
