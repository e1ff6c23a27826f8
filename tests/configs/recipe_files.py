"""The full-size recipes, and what their names say."""

import importlib.resources
import re
from functools import lru_cache
from pathlib import Path

import simmim_eval.compat  # noqa: F401
from simmim_eval.engine.recipe import load_recipe

CONFIGS = Path(str(importlib.resources.files("simmim_eval"))) / "configs"
FOLDERS = ("pretrain", "classification", "detection", "segmentation", "recognition")
RECIPES = sorted(path for folder in FOLDERS for path in (CONFIGS / folder).glob("*.py") if "demo" not in path.stem)
IDS = [f"{path.parent.name}/{path.stem}" for path in RECIPES]
NAME = re.compile(
    r"(?P<head>[a-z0-9-]+)_(?P<backbone>[a-z0-9-]+)_(?P<gpus>\d+)xb(?P<batch>\d+)-(?P<schedule>[a-z0-9-]+)"
    r"_(?P<data>in1k|coco|ade20k|k400)(-(?P<size>\d+)px)?(-ms)?"
)


def of(folder):
    """The recipes of one folder."""
    return [path for path in RECIPES if path.parent.name == folder]


@lru_cache
def recipe(path):
    """A recipe, read once; not to be changed."""
    return load_recipe(path, {})
