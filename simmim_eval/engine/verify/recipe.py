"""The config that evaluates a checkpoint: one of our recipes, a stock one of OpenMMLab, or timm's own model.

Of a stock config the model and the steps of its test are kept. Our data sets, readers and metrics take the places of
theirs, step for step, so that a fault of the data is named and a metric has its standard error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hub import get_config

from simmim_eval.engine.recipe import REQUIRED, bind_data, class_name, find_config, load_recipe, read_config, rebase
from simmim_eval.errors import ConfigError

__all__ = ["evaluation_config"]

STOCK = ("mmdet::", "mmseg::", "mmaction::")
SCOPES = {"detection": "mmdet", "segmentation": "mmseg", "recognition": "mmaction"}
OURS = {
    "detection": {"CocoDataset": "Coco", "LoadImageFromFile": "LoadImage"},
    "segmentation": {
        "ADE20KDataset": "ADE20K",
        "LoadImageFromFile": "LoadImage",
        "LoadAnnotations": "LoadLabelMap",
    },
    "recognition": {
        "VideoDataset": "Kinetics",
        "DecordInit": "OpenVideo",
        "DecordDecode": "DecodeVideo",
        "PyAVInit": "OpenVideo",
        "PyAVDecode": "DecodeVideo",
    },
}
"""What stands in for a class of a stock config's test, by task."""
READERS = ("LoadImage", "LoadLabelMap", "OpenVideo", "DecodeVideo")  # these take no arguments
GROUND_TRUTH = "LoadAnnotations"  # of detection: the metric reads the annotation file itself
KEPT = ("model", "test_dataloader", "test_evaluator", "test_cfg", "default_scope", "custom_imports")


def evaluation_config(task: str, name: str, root: Path, split: str) -> Config:
    """A config with ``model`` and the parts of its test, bound to the data.

    Args:
        task: What is evaluated; the config must be of this task.
        name: A recipe, or a stock config such as ``mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py``.
        root: Folder of the data.
        split: The evaluated split, of a recipe; a stock config knows one.

    Raises:
        ConfigError: There is no such config, or it is of another task.
    """
    if name.startswith(STOCK):
        config = _stock(task, _shipped(name), root, name)
    else:
        path = find_config(name)
        found = read_config(path)
        if all(key in found for key in REQUIRED):
            config = load_recipe(path, {})
            if config.task != task:
                raise ConfigError(f"{path}: is a recipe of {config.task}, not of {task}. Give one of {task}.")
            bind_data(config, root, split)
        else:
            config = _stock(task, found, root, name)
    kept = Config({key: config[key] for key in KEPT if key in config})
    kept.model = _without_sources(kept.model.to_dict())
    return kept


def _shipped(name: str) -> Config:
    try:
        return get_config(name)
    except Exception as error:  # mmengine raises whatever its look-up meets
        raise ConfigError(f"--config {name}: no such config is shipped ({error}). Correct the name.") from error


def _stock(task: str, config: Config, root: Path, name: str) -> Config:
    if task not in OURS:
        raise ConfigError(f"--config {name}: is no recipe (no {', '.join(REQUIRED)}), and {task} has no stock config.")
    if config.get("default_scope") != SCOPES[task] or "test_dataloader" not in config:
        raise ConfigError(f"--config {name}: is no config of {SCOPES[task]} with a test. Give one of {task}.")
    plain = config._cfg_dict.to_dict()
    old = _old_root(task, plain, name)
    new = f"{root.resolve()}/" if old.endswith("/") else str(root.resolve())
    plain = rebase(plain, old, new)
    plain["test_dataloader"] = _with_ours(plain["test_dataloader"], task)
    if task == "recognition":
        plain["test_dataloader"]["dataset"]["num_classes"] = plain["model"]["cls_head"]["num_classes"]
    plain["test_evaluator"] = _evaluator(task, plain["test_evaluator"])
    return Config(plain)


def _old_root(task: str, plain: Mapping[str, Any], name: str) -> str:
    """What stands before the paths of a stock config."""
    root = plain.get("data_root_val") or plain.get("data_root") or plain["test_dataloader"]["dataset"].get("data_root")
    if not isinstance(root, str) or not root.strip("/"):
        raise ConfigError(f"--config {name}: says no data_root, so its paths cannot be moved to ROOT.")
    return str(Path(root).parent) if task == "recognition" else root


def _with_ours(node: Any, task: str) -> Any:
    """Nested plain data with our classes in the place of theirs."""
    if isinstance(node, list | tuple):
        kept = [value for value in node if not (task == "detection" and _is(value, GROUND_TRUTH))]
        return type(node)(_with_ours(value, task) for value in kept)
    if not isinstance(node, Mapping):
        return node
    ours = OURS[task].get(class_name(node)) if "type" in node else None
    if ours in READERS:
        return {"type": f"simmim_eval.{ours}"}
    found = {key: _with_ours(value, task) for key, value in node.items()}
    if ours:
        found = {key: value for key, value in found.items() if key != "backend_args"} | {"type": f"simmim_eval.{ours}"}
    return found


def _is(node: Any, name: str) -> bool:
    return isinstance(node, Mapping) and class_name(node) == name


def _evaluator(task: str, stock: Any) -> dict[str, Any]:
    if task == "detection":
        stock = stock[0] if isinstance(stock, list | tuple) else stock
        metric = stock.get("metric", "bbox")
        kinds = ("box", "mask") if "segm" in ([metric] if isinstance(metric, str) else metric) else ("box",)
        return {"type": "simmim_eval.CocoAP", "ann_file": stock["ann_file"], "kinds": kinds}
    return {"type": "simmim_eval.MeanIoU" if task == "segmentation" else "simmim_eval.Accuracy"}


def _without_sources(node: Any) -> Any:
    """A model's config without initialisers that would fetch a file: all weights come from the one checkpoint."""
    if isinstance(node, Mapping):
        found = {key: _without_sources(value) for key, value in node.items()}
        initialiser = found.get("init_cfg")
        if isinstance(initialiser, Mapping) and "checkpoint" in initialiser:
            found["init_cfg"] = None
        if "pretrained" in found:
            found["pretrained"] = None
        return found
    if isinstance(node, list | tuple):
        return type(node)(_without_sources(value) for value in node)
    return node
