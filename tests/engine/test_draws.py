"""Which samples a step sees: the same on any number of processes and from any step on, each sample once a round."""

from itertools import chain, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

import simmim_eval.compat  # noqa: F401  (before mmdet)
from simmim_eval.engine.batch import BatchPlan
from simmim_eval.engine.sampler import DrawSampler, MicroBatches, check_sampler
from simmim_eval.errors import ConfigError

GROUPING = {"type": "mmdet.AspectRatioBatchSampler", "drop_last": True}


class Pictures:
    """Landscape and portrait in an irregular order; counts what is asked of it."""

    def __init__(self, length: int) -> None:
        self.sizes = np.random.default_rng(length).integers(10, 20, (length, 2)).tolist()
        self.decoded = 0

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> None:
        self.decoded += 1

    def get_data_info(self, index: int) -> dict[str, int]:
        return dict(zip(("width", "height"), self.sizes[index], strict=True))


def sampler(length: int, batch: int, *, endless: bool = True, drop_last: bool = False, shuffle: bool = True):
    options = {"shuffle": shuffle, "multiple_of": batch, "drop_last": drop_last, "endless": endless}
    return DrawSampler(Pictures(length), 11, **options)


def batches(
    plan: BatchPlan, rank: int = 0, *, grouping: bool = False, own: int | None = None, **options
) -> MicroBatches:
    group = GROUPING if grouping else None
    draws = sampler(options.pop("length", 13), plan.effective, **options)
    return MicroBatches(draws, own or plan.micro, plan=plan, rank=rank, grouping=group)


def told(lists) -> list[list[tuple[int, int]]]:
    return [[(int(draw), draw.number) for draw in one] for one in lists]


ONE = BatchPlan(8, 8, 1, 1)
SHARES = [
    BatchPlan(8, 4, 1, 2),
    BatchPlan(8, 1, 1, 8),
    BatchPlan(8, 4, 2, 1),
    BatchPlan(8, 2, 2, 2),
    BatchPlan(8, 1, 8, 1),
]


@pytest.mark.parametrize("grouping", [False, True])
@pytest.mark.parametrize("plan", SHARES, ids=str)
@pytest.mark.parametrize("endless", [False, True])
def test_any_share_of_a_step_adds_up_to_it(plan, endless, grouping):
    whole = told(islice(batches(ONE, grouping=grouping, own=4, endless=endless), 2))
    shares = [
        told(islice(batches(plan, rank, grouping=grouping, own=4, endless=endless), 2 * plan.accumulation))
        for rank in range(plan.processes)
    ]
    for step in range(2):
        seen = [
            list(chain(*(share[step * plan.accumulation + number] for share in shares)))
            for number in range(plan.accumulation)
        ]
        assert list(chain(*seen)) == whole[step]
        assert all(len(one) == plan.micro for share in shares for one in share)


@given(
    length=st.integers(1, 40), batch=st.integers(1, 12), start=st.integers(0, 30), epoch=st.integers(0, 3),
    endless=st.booleans(), grouping=st.booleans(),
)  # fmt: skip
def test_entering_in_the_middle_is_walking_there(length, batch, start, epoch, endless, grouping):
    plan = BatchPlan(batch, batch, 1, 1)
    epoch = 0 if endless else epoch
    walked, entered = (batches(plan, length=length, endless=endless, grouping=grouping) for _ in range(2))
    walked.begin(epoch, 0)
    entered.begin(epoch, start)
    assert told(islice(walked, start, start + 5)) == told(islice(entered, 5))
    assert entered.sampler.dataset.decoded == 0


@given(length=st.integers(1, 50), batch=st.integers(1, 20), drop_last=st.booleans())
def test_an_epoch_shows_each_sample_and_fills_its_batches(length, batch, drop_last):
    if drop_last and batch > length:
        with pytest.raises(ConfigError, match="do not fill one batch"):
            sampler(length, batch, endless=False, drop_last=True)
        return
    made = batches(BatchPlan(batch, batch, 1, 1), length=length, endless=False, drop_last=drop_last)
    orders = []
    for epoch in range(2):
        made.begin(epoch, 0)
        steps = told(made)
        assert len(steps) == len(made) == (length // batch if drop_last else -(-length // batch))
        draws = list(chain(*steps))
        indices = [index for index, _ in draws]
        if drop_last:
            assert len(set(indices)) == len(indices)
        else:
            assert set(indices) == set(range(length)) and indices[length:] == (indices * batch)[: len(indices) - length]
        assert [number for _, number in draws] == list(range(epoch * len(draws), (epoch + 1) * len(draws)))
        orders.append(indices)
    assert length < 8 or orders[0] != orders[1]


def test_an_endless_stream_goes_round_and_round():
    draws = list(islice(sampler(5, 3), 20))
    for start in range(0, 20, 5):
        assert sorted(draws[start : start + 5]) == list(range(5))
    assert [draw.number for draw in draws] == list(range(20))
    assert list(islice(sampler(5, 3, shuffle=False), 7)) == [0, 1, 2, 3, 4, 0, 1]


def test_a_far_step_is_entered_at_once():
    """A walk of 10^12 draws would not end."""
    far = batches(BatchPlan(2048, 128, 1, 16), length=10_007)
    far.begin(0, 10**9)
    assert told(islice(far, 1))[0][0][1] == 2048 * 10**9


@pytest.mark.parametrize("endless", [False, True])
def test_pictures_of_a_batch_have_one_orientation(endless):
    plan = BatchPlan(16, 4, 1, 4)
    made = batches(plan, length=101, grouping=True, endless=endless)
    pictures = made.sampler.dataset
    groups = list(islice(made, 20))
    mixed = [group for group in groups if len({pictures.sizes[i][0] < pictures.sizes[i][1] for i in group}) > 1]
    assert not mixed
    if not endless:
        made.begin(0, 0)
        assert set(chain(*made)) == set(range(101))


@pytest.mark.parametrize(
    ("loader", "word"),
    [
        ({"sampler": {"type": "ClassAwareSampler"}}, "ClassAwareSampler"),
        ({}, "train_dataloader.sampler.type"),
        ({"sampler": {"type": "DefaultSampler"}, "num_batch_per_epoch": 3}, "num_batch_per_epoch"),
    ],
)
def test_what_cannot_be_entered_is_refused(loader, word):
    with pytest.raises(ConfigError, match=word):
        check_sampler(Config({"train_dataloader": loader}))
    check_sampler(Config({"train_dataloader": {"sampler": {"type": "mmengine.InfiniteSampler"}}}))
