"""Against scipy's own tests and closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simmim_eval.results import mean_and_std_error, paired_difference

NUMBERS = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=12)


@settings(max_examples=50, deadline=None)
@given(NUMBERS)
def test_mean_and_standard_error_are_scipys(values):
    mean, std_error = mean_and_std_error(values)
    assert mean == pytest.approx(np.mean(values))
    assert std_error == pytest.approx(stats.sem(values), abs=1e-12)


def test_a_single_value_has_no_standard_error():
    assert mean_and_std_error([41.5]) == (41.5, None)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=12), st.sampled_from([0.9, 0.95]))
def test_the_interval_is_scipys_paired_t(pairs, confidence):
    ours, theirs = ([round(value, 3) for value in side] for side in zip(*pairs, strict=True))
    differences = np.subtract(ours, theirs)
    if differences.std() < 1e-6:
        return  # scipy has no interval there; the next test does
    expected = stats.ttest_rel(ours, theirs).confidence_interval(confidence)
    found = paired_difference(ours, theirs, higher_is_better=True, confidence=confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)
    assert found.value == pytest.approx(differences.mean()) and found.n == len(ours)


def test_differences_without_spread():
    assert paired_difference([2, 3], [1, 2], higher_is_better=True).verdict == "better"
    assert paired_difference([1, 2], [1, 2], higher_is_better=True).verdict == "not distinguishable"


def test_the_verdict_at_both_sides_of_the_interval_and_both_directions():
    ours, theirs = np.array([50.0, 51.0, 52.0]), np.array([40.0, 42.0, 41.0])
    assert stats.ttest_rel(ours, theirs).pvalue < 0.05
    assert paired_difference(ours, theirs, higher_is_better=True).verdict == "better"
    assert paired_difference(theirs, ours, higher_is_better=True).verdict == "worse"
    assert paired_difference(ours, theirs, higher_is_better=False).verdict == "worse"
    noisy = np.array([40.0, 61.0, 41.5])
    assert stats.ttest_rel(noisy, theirs).pvalue > 0.05
    assert paired_difference(noisy, theirs, higher_is_better=True).verdict == "not distinguishable"


def test_one_pair_has_a_difference_but_no_verdict():
    found = paired_difference([44.1], [48.2], higher_is_better=True)
    assert found.value == pytest.approx(-4.1)
    assert (found.low, found.high, found.n, found.verdict) == (None, None, 1, None)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_false_positives_stay_at_five_percent(n):
    generator = np.random.default_rng(n)
    draws = generator.normal(size=(4000, 2, n)) + generator.normal(size=(4000, 1, n))  # what pairs share cancels
    verdicts = [paired_difference(ours, theirs, higher_is_better=True).verdict for ours, theirs in draws]
    rate = np.mean([verdict != "not distinguishable" for verdict in verdicts])
    assert rate == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 4000))
