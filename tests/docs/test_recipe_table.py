"""docs/recipes.md is what the configs say."""

import importlib.util
from pathlib import Path

import pytest

import simmim_eval.compat  # noqa: F401

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("recipe_table", ROOT / "tools" / "recipe_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _settings(text, recipe):
    """Setting -> (value, source) of one recipe, read from the Markdown."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    (first,) = (place for place, row in enumerate(rows) if row[0] == recipe and len(row) == 5)
    block = [rows[first]]
    for row in rows[first + 1 :]:
        if len(row) != 5 or row[0]:
            break
        block.append(row)
    return {row[2]: (row[3], row[4]) for row in block}


@pytest.mark.slow
def test_page_is_up_to_date(table):
    assert (ROOT / "docs" / "recipes.md").read_text() == table.page(), "run: python tools/recipe_table.py"


def test_values_are_the_published_ones():
    text = (ROOT / "docs" / "recipes.md").read_text()
    swin = _settings(text, "cls_swin-base-w7_16xb128-100e-ld80_in1k-224px")
    values = {setting: value for setting, (value, _) in swin.items()}
    assert values["lr"] == "0.005"  # 1.25e-3 for 512, at 2048
    assert values["batch_size"] == "2048 = 16 x 128"
    assert values["layer_decay"] == "0.8"
    assert values["drop_path"] == "0.1"
    assert values["grad_clip"] == "5"
    assert values["weight_decay"] == "0.05"
    assert values["precision"] == "amp-float16"
    assert values["warmup"].startswith("LinearLR(start_factor=0.0002, begin=0, end=20")
    assert "rand-m9-mstd0.5-inc1" in values["augmentation"]
    assert "mixup_alpha=0.8, cutmix_alpha=1" in values["augmentation"]
    assert all(source for _, source in swin.values())
    resnet = _settings(text, "cls_resnet50-rsb-a3_8xb256-100e_in1k-160px")
    assert resnet["resolution"][0] == "160"
    assert "size=224, crop_pct=0.95" in resnet["test"][0]
    assert resnet["layer_decay"][0] == "none"


def test_every_full_size_recipe_has_a_block(table):
    text = (ROOT / "docs" / "recipes.md").read_text()
    for folder in table.TASKS:
        for path in table.recipes(folder):
            assert list(_settings(text, path.stem)) == list(table.SETTINGS)


def test_wrapped_data_sets_and_nested_steps_are_read(table):
    flip = dict(type="mmdet.RandomFlip", prob=0.5)
    inner = dict(pipeline=[dict(type="LoadImage"), dict(type="RandomChoice", transforms=[[flip]])])
    found = list(table.pipeline(dict(type="RepeatDataset", times=3, dataset=inner)))
    assert found == ["RandomChoice(transforms=((RandomFlip(prob=0.5))))"]
