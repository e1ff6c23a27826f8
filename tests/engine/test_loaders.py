"""Batches of every task's own transforms: the same bytes from any number of workers, and from any step on."""

from itertools import islice
from typing import Any

import pytest
import torch
from demo_case import request
from mmengine.registry import init_default_scope

import simmim_eval.compat
from simmim_eval.engine.batch import batch_plan
from simmim_eval.engine.prepare import prepare
from simmim_eval.engine.runner import CountedRunner
from simmim_eval.engine.sampler import train_loader_config

MORE = {
    "simmim": [],
    "detection": [
        {"type": "RandomChoiceResize", "scales": [(128, 96), (160, 128)], "keep_ratio": True},
        {"type": "PhotoMetricDistortion"},
        {"type": "RandomCrop", "crop_size": (90, 90)},
        {"type": "RandomErasing", "n_patches": 2, "ratio": 0.2},
    ],
    "segmentation": [
        {"type": "RandomResize", "scale": (160, 128), "ratio_range": (0.5, 2.0), "keep_ratio": True},
        {"type": "RandomRotate", "prob": 0.5, "degree": 20},
        {"type": "PhotoMetricDistortion"},
    ],
    "recognition": [
        {"type": "RandomResizedCrop"},
        {"type": "Resize", "scale": (48, 48), "keep_ratio": False},
        {"type": "Flip"},
    ],
}
READERS = {"detection": 2, "segmentation": 2, "recognition": 3}  # steps of a pipeline before the random ones


def plain(node: Any) -> Any:
    """A batch as numbers and text, whatever holds them: pickles of equal batches may differ."""
    if isinstance(node, torch.Tensor):
        return node.tolist()
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    if hasattr(node, "all_items"):  # a data element
        return plain(dict(node.all_items()))
    if hasattr(node, "to_ndarray"):  # masks of instances
        return node.to_ndarray().tolist()
    if hasattr(node, "tensor"):  # boxes
        return node.tensor.tolist()
    return node.tolist() if hasattr(node, "tolist") else node


@pytest.mark.parametrize("name", MORE)
def test_workers_and_entries_change_nothing(demo_root, name):
    simmim_eval.compat.install()
    config = prepare(request(name, demo_root)).config
    pipeline = config.train_dataloader.dataset.pipeline
    place = READERS.get(name, 0)
    pipeline[place:place] = MORE[name]
    config.train_dataloader.batch_size = 3
    init_default_scope(config.default_scope)

    def load(workers: int, step: int, number: int) -> list[Any]:
        parts = {**config.train_dataloader, "num_workers": workers}
        parts = train_loader_config(parts, batch_plan(config, 1), 0, by_epoch=False)
        loader = CountedRunner.build_dataloader(parts, seed=5)
        loader.batch_sampler.begin(0, step)
        torch.rand(workers + step)  # what was drawn before does not matter
        return [plain(batch) for batch in islice(loader, number)]

    expected = load(0, 0, 4)
    assert load(2, 0, 4) == expected
    assert load(0, 3, 1) == expected[3:]
    assert len({str(batch) for batch in expected}) == 4
