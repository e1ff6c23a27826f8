"""The files in tests/data/checkpoints, written by the projects themselves, and the backbones that they fit."""

import json
from pathlib import Path
from typing import Any

from simmim_eval.backbones import Swin, SwinVideo

CHECKPOINTS = Path(__file__).parents[1] / "data" / "checkpoints"
FILES: dict[str, dict[str, Any]] = {
    entry["file"]: entry for entry in json.loads((CHECKPOINTS / "index.json").read_text())["files"]
}
KEYS: dict[str, list[str]] = json.loads((CHECKPOINTS / "keys.json").read_text())
IMAGE_FILES = sorted(name for name, entry in FILES.items() if entry["family"] == "swin")
FORMAT_OF_PROJECT = {
    "microsoft/SimMIM": "official Swin",
    "microsoft/Swin-Transformer": "official Swin",
    "timm": "timm Swin",
    "open-mmlab/mmpretrain": "OpenMMLab Swin",
    "mmdet": "OpenMMLab Swin",
    "mmsegmentation": "OpenMMLab Swin",
    "mmaction2": "mmaction2 Video Swin",
}


def is_openmmlab(name: str) -> bool:
    return FORMAT_OF_PROJECT[FILES[name]["project"]] == "OpenMMLab Swin"


def arch_of(name: str) -> dict[str, Any]:
    return {word: FILES[name]["arguments"][word] for word in ("embed_dim", "depths", "num_heads")}


def swin_for(name: str, **changes: Any) -> Swin:
    """The backbone whose features the file's project computes, in eval mode."""
    arguments = FILES[name]["arguments"]
    words: dict[str, Any] = {
        "arch": arch_of(name),
        "window_size": arguments["window_size"],
        "img_size": None if is_openmmlab(name) else arguments["img_size"],
        "out_indices": None if is_openmmlab(name) else (3,),
    }
    return Swin(**{**words, **changes}).eval()


def video_for(name: str, **changes: Any) -> SwinVideo:
    arguments = FILES[name]["arguments"]
    return SwinVideo(**{"arch": arch_of(name), "window_size": arguments["window_size"], **changes}).eval()
