"""What n numbers say: pure functions over arrays, no records and no names.

Over runs, the interval is Student's t (few runs, unknown spread).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from scipy.special import stdtrit

__all__ = ["PairedDifference", "Verdict", "mean_and_std_error", "paired_difference"]

Verdict = Literal["better", "worse", "not distinguishable"]


@dataclass(frozen=True)
class PairedDifference:
    """Mean of paired differences with its interval; one pair has neither interval nor verdict."""

    value: float
    low: float | None
    high: float | None
    n: int
    verdict: Verdict | None


def mean_and_std_error(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and its standard error (sample standard deviation / sqrt(n)); a single value has no error."""
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        return float(array.mean()), None
    return float(array.mean()), float(array.std(ddof=1) / sqrt(array.size))


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], *, higher_is_better: bool, confidence: float = 0.95
) -> PairedDifference:
    """Mean of ``ours - theirs`` over pairs, with Student's interval.

    The verdict is ``not distinguishable`` where the interval holds 0. It is that of one comparison: no correction
    for many is made here.

    Args:
        ours: (n,) results, n >= 1.
        theirs: (n,) results of the same seeds in the same order.
        higher_is_better: Tells ``better`` from ``worse``.
        confidence: Of the interval, in (0, 1).
    """
    differences = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    value, std_error = mean_and_std_error(differences.tolist())
    n = differences.size
    if std_error is None:
        return PairedDifference(value, None, None, n, None)
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * std_error
    low, high = value - half, value + half
    verdict: Verdict = "better" if (value > 0) == higher_is_better else "worse"
    if low <= 0 <= high:
        verdict = "not distinguishable"
    return PairedDifference(value, low, high, n, verdict)
