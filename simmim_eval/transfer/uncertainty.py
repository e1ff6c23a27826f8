"""Standard error of a metric over the evaluated images."""

from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap

__all__ = ["BOOTSTRAP_METHOD", "binomial_std_error", "bootstrap_std_error"]

RESAMPLES = 200
BOOTSTRAP_METHOD = f"bootstrap over images, {RESAMPLES} resamples"


def binomial_std_error(share: float, num_samples: int) -> float:
    """Standard error of a share of hits, ``share`` and the result in [0, 1]."""
    return float(np.sqrt(share * (1.0 - share) / num_samples))


def bootstrap_std_error(statistic: Callable[[np.ndarray], float], num_samples: int) -> float:
    """Bootstrap standard error of a metric that is recomputed from the kept per-image results.

    Args:
        statistic: From indices of images, shape (num_samples,), with repeats, to the metric.
        num_samples: How many images there are; one image has no standard error (nan).

    The resamples come from a fixed seed: the same predictions give the same figure.
    """
    if num_samples < 2:
        return float("nan")
    result = bootstrap(
        (np.arange(num_samples),),
        statistic,
        n_resamples=RESAMPLES,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(result.standard_error)
