"""Make docs/recipes.md from the configs: every hyper-parameter of every full-size recipe beside where it is from.

python tools/recipe_table.py
python tools/recipe_table.py --check
"""

import argparse
import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from simmim_eval.engine.batch import effective_batch
from simmim_eval.engine.plug import backbone_config
from simmim_eval.engine.precision import precision
from simmim_eval.engine.recipe import class_name, load_recipe

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "recipes.md"
TASKS = {
    "pretrain": "Pre-training on ImageNet-1K",
    "classification": "Classification on ImageNet-1K",
    "detection": "Detection on COCO",
    "segmentation": "Segmentation on ADE20K",
    "recognition": "Recognition on Kinetics-400",
}
HIDDEN_STEPS = re.compile(r"Load|Pack|OpenVideo|DecodeVideo|FormatShape")
PREPROCESSING = ("label_smoothing", "mixup", "erase_prob", "blending", "batch_augments")
NOT_A_SETTING = ("type", "_scope_", "is_training", "keep_ratio", "test_mode")
HEAD = """# Recipes

Made by `python tools/recipe_table.py` from the files in `configs/`; edit those. Values are read out of the configs,
sources are their `sources`: a repository and a file in it, or "ours" and why. "Not seen" marks what is known from
memory of a paper alone. `x` in a batch is GPUs x samples; fewer processes accumulate.

Every recipe's file says what result to expect and what it costs. The initialisation is never a part of it.
"""


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether docs/recipes.md is up to date")
    check = parser.parse_args().check
    text = page()
    if not check:
        PAGE.write_text(text)
    elif not PAGE.is_file() or PAGE.read_text() != text:
        raise SystemExit(f"{PAGE}: is not what the configs say. Run: python tools/recipe_table.py")


def page() -> str:
    """The whole of docs/recipes.md."""
    return "\n".join([HEAD, *(section(folder, title) for folder, title in TASKS.items())])


def recipes(folder: str) -> list[Path]:
    """The full-size recipes of ``configs/<folder>``."""
    return sorted(path for path in (ROOT / "configs" / folder).glob("*.py") if not path.stem.endswith("_demo"))


def section(folder: str, title: str) -> str:
    """One task: what to expect of each recipe, then the table of settings."""
    lines = [f"## {title}", "", "| recipe | backbone | expected |", "|---|---|---|"]
    settings = ["| recipe | backbone | setting | value | source |", "|---|---|---|---|---|"]
    for path in recipes(folder):
        config = load_recipe(path, {})
        lines.append(row(f"[{path.stem}](../configs/{folder}/{path.name})", config.title, expected(path)))
        name, backbone = path.stem, config.title
        for setting, read in SETTINGS.items():
            settings.append(row(name, backbone, setting, read(config), config.sources[setting]))
            name = backbone = ""
    return "\n".join([*lines, "", *settings, ""])


def row(*cells: str) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def expected(path: Path) -> str:
    """What a recipe's docstring says after ``Expected:``, on one line."""
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(doc.partition("Expected:")[2].partition("\nCost:")[0].split())


def optimizer(config: Config) -> str:
    """Class and what it is given beside rate and weight decay."""
    given = {k: v for k, v in config.optim_wrapper.optimizer.items() if k not in ("lr", "weight_decay")}
    return shown(given)


def batch_size(config: Config) -> str:
    """Effective batch and its published layout."""
    effective, own = effective_batch(config), config.train_dataloader.batch_size
    return f"{effective} = {effective // own} x {own}"


def schedule(config: Config) -> str:
    """Length, and how the rate falls."""
    loop = config.train_cfg
    length = f"{loop.max_epochs} epochs" if "max_epochs" in loop else f"{loop.max_iters} steps"
    falls = [shown(one) for one in schedulers(config) if class_name(one) != "LinearLR"]
    return "; ".join([length, *falls, *(shown(one) for one in config.get("custom_hooks") or [])])


def warmup(config: Config) -> str:
    """The schedulers by which the rate rises."""
    return "; ".join(shown(one) for one in schedulers(config) if class_name(one) == "LinearLR") or "none"


def schedulers(config: Config) -> list[Any]:
    """The recipe's schedulers; a recipe may have one without a list."""
    found = config.get("param_scheduler") or []
    return list(found) if isinstance(found, list | tuple) else [found]


def layer_decay(config: Config) -> str:
    """The decay, and for a ResNet the rule that makes its layers."""
    decay = (config.optim_wrapper.get("paramwise_cfg") or {}).get("layer_decay", 1.0)
    backbone = backbone_config(config)
    rule = f", one layer a {backbone.get('decay_rule', 'block')}" if "ResNet" in backbone.type else ""
    return "none" if decay == 1 else f"{number(decay)}{rule}"


def drop_path(config: Config) -> str:
    """Of the last block."""
    rate = backbone_config(config).get("drop_path_rate", 0.0)
    return number(rate) if rate else "none"


def grad_clip(config: Config) -> str:
    """Largest norm of the gradient."""
    clip = config.optim_wrapper.get("clip_grad")
    return number(clip["max_norm"]) if clip else "none"


def augmentation(config: Config) -> str:
    """The steps of the training pipeline, then what the model does to a batch."""
    steps = list(pipeline(config.train_dataloader.dataset))
    preprocessor = config.model.get("data_preprocessor") or {}
    steps += [f"{key} {shown(preprocessor[key])}" for key in PREPROCESSING if preprocessor.get(key)]
    if config.model.get("loss"):
        steps.append(f"loss {shown(config.model.loss)}")
    return "; ".join(steps)


def test(config: Config) -> str:
    """The steps of the test pipeline, and how a segmenter walks over an image."""
    steps = list(pipeline(config.test_dataloader.dataset))
    test_cfg = config.model.get("test_cfg") or {}
    return "; ".join(steps + ([shown(test_cfg)] if "mode" in test_cfg else []))


def pipeline(dataset: Any) -> Iterator[str]:
    """Steps of a data set's pipeline that change what a model sees; wrappers of the data set are passed."""
    while "pipeline" not in dataset:
        dataset = dataset["dataset"] if "dataset" in dataset else dataset["datasets"][0]
    for step in dataset["pipeline"]:
        if not HIDDEN_STEPS.match(class_name(step)):
            yield shown(step)


def shown(value: Any) -> str:
    """A part of a config in one line: ``Name(setting=value, ...)``."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}={shown(one)}" for key, one in value.items() if key not in NOT_A_SETTING)
        return f"{class_name(value)}({inside})" if class_name(value) else inside
    if isinstance(value, list | tuple):
        return f"({', '.join(shown(one) for one in value)})"
    return number(value) if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """At most four digits; as short as it gets."""
    return f"{value:.4g}"


SETTINGS: dict[str, Callable[[Config], str]] = {
    "optimizer": optimizer,
    "lr": lambda config: number(config.optim_wrapper.optimizer.lr),
    "batch_size": batch_size,
    "schedule": schedule,
    "warmup": warmup,
    "weight_decay": lambda config: number(config.optim_wrapper.optimizer.weight_decay),
    "layer_decay": layer_decay,
    "drop_path": drop_path,
    "grad_clip": grad_clip,
    "augmentation": augmentation,
    "resolution": lambda config: shown(config.resolution),
    "precision": precision,
    "test": test,
}

if __name__ == "__main__":
    main()
