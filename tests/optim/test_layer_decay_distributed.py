"""Two processes, each with half of the batch, make the update of one process with the whole."""

from pathlib import Path
from typing import Any

import pytest
import torch
from decay_case import FAMILIES, Classifier, assert_same_weights, batches, groups_of, train, wrapper_of
from mmengine.model import MMDistributedDataParallel
from torch import distributed

WORLD_SIZE = 2
CASES = [(family, frozen_stages, counts) for family in FAMILIES for frozen_stages, counts in ((-1, 1), (1, 2))]


def run_process(rank: int, folder: Path) -> None:
    """Train every case in this process; the first writes down what came out."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=WORLD_SIZE)
    results = {}
    for family, frozen_stages, counts in CASES:
        model = MMDistributedDataParallel(module=Classifier(family, frozen_stages=frozen_stages))
        wrapper = wrapper_of(model, accumulative_counts=counts)
        parts = [
            part
            for images, labels in batches()
            for part in zip(
                images.chunk(WORLD_SIZE)[rank].chunk(counts), labels.chunk(WORLD_SIZE)[rank].chunk(counts), strict=True
            )
        ]
        results[family, frozen_stages] = (groups_of(wrapper), train(model, wrapper, parts))
    if rank == 0:
        torch.save(results, folder / "results.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    folder = tmp_path_factory.mktemp("distributed")
    torch.multiprocessing.spawn(run_process, (folder,), nprocs=WORLD_SIZE)
    return torch.load(folder / "results.pt", weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "frozen_stages", "counts"), CASES)
def test_two_processes_are_one(results: dict[Any, Any], family: str, frozen_stages: int, counts: int) -> None:
    groups, weights = results[family, frozen_stages]
    model = Classifier(family, frozen_stages=frozen_stages)
    wrapper = wrapper_of(model)
    assert groups == groups_of(wrapper)
    assert len(groups) > 4
    assert counts in (1, 2)
    assert_same_weights(weights, train(model, wrapper, batches()))
