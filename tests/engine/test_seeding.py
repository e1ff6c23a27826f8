"""What is drawn depends on the seed and the place, on nothing that was drawn before."""

import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from simmim_eval.engine.seeding import Draw, SeededDataset, Stream, key_of, seed_generators


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


@TRANSFORMS.register_module(force=True)
class AnyGenerator:
    """Draws from all three generators, and gives nothing for the half of the samples."""

    def __call__(self, results: dict) -> dict | None:
        return None if np.random.rand() < 0.5 else {"place": results["place"], "drawn": torch.tensor(drawn())}


@DATASETS.register_module(force=True)
class Places(BaseDataset):
    METAINFO = {"classes": ("one", "two")}

    def load_data_list(self) -> list[dict]:
        return [{"place": place} for place in range(7)]


CONFIG = {
    "type": "RepeatDataset",
    "times": 2,
    "dataset": {"type": "Places", "pipeline": [{"type": "AnyGenerator"}], "max_refetch": 50},
}


def test_all_three_generators_follow_the_place():
    seed_generators(3, Stream.STEP, 5, 0)
    first = drawn()
    drawn()
    seed_generators(3, Stream.STEP, 5, 0)
    assert drawn() == first
    others = [(4, Stream.STEP, 5, 0), (3, Stream.SAMPLE, 5, 0), (3, Stream.STEP, 6, 0), (3, Stream.STEP, 5, 1)]
    for other in others:
        seed_generators(*other)
        assert not set(drawn()) & set(first), other


def test_keys_do_not_repeat():
    keys = {key_of(seed, stream, place) for seed in range(5) for stream in Stream for place in range(200)}
    assert len(keys) == 5 * len(Stream) * 200


def test_a_draw_is_an_index_with_a_number():
    draw = Draw(5, 12345678901)
    assert [10, 11, 12, 13, 14, 15][draw] == 15 and draw == 5
    copied = pickle.loads(pickle.dumps([draw]))[0]
    assert (copied, copied.number, type(copied)) == (5, 12345678901, Draw)


@pytest.fixture(scope="module")
def dataset() -> SeededDataset:
    return SeededDataset(CONFIG, seed=7)


def test_a_sample_is_that_of_its_draw(dataset):
    """Also where the data set falls back on another sample, by numpy's generator, because a transform gave none."""
    expected = dataset[Draw(3, 40)]
    drawn()
    again, other = dataset[Draw(3, 40)], dataset[Draw(3, 41)]
    assert torch.equal(expected["drawn"], again["drawn"]) and expected["place"] == again["place"]
    assert not torch.equal(expected["drawn"], other["drawn"])
    assert torch.equal(dataset[3]["drawn"], dataset[3]["drawn"])
    assert not torch.equal(dataset[3]["drawn"], dataset[Draw(3, 3)]["drawn"])
    places = {dataset[Draw(3, number)]["place"] for number in range(20)}
    assert 3 in places and len(places) > 1


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_bytes_of_the_main_process(dataset, workers):
    batches = [[Draw(index, 10 * index + batch) for index in range(3)] for batch in range(5)]

    def load(number: int) -> list[torch.Tensor]:
        loader = DataLoader(dataset, batch_sampler=batches, num_workers=number, multiprocessing_context=None)
        return [batch["drawn"] for batch in loader]

    for one, other in zip(load(0), load(workers), strict=True):
        assert torch.equal(one, other)


def test_all_else_is_the_data_sets_own(dataset):
    assert dataset.metainfo["classes"] == ("one", "two")
    assert len(dataset) == 14
    assert dataset.get_data_info(8)["place"] == 1
    assert pickle.loads(pickle.dumps(dataset)).seed == 7
    with pytest.raises(AttributeError):
        _ = dataset.nothing_of_the_kind
