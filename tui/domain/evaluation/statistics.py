"""Tests and intervals for paired scores of two models on the same cases, two-sided at 95%.

Pass or fail: McNemar's exact test (McNemar 1947) and the interval of Bonett and Price (2012), which
covers what it promises from six cases on, and never is a point. Graded scores: Student's t of the
differences, clustered where cases depend on each other (Miller 2024, arXiv 2411.00640). A bootstrap
of percentiles is too narrow for few cases, and a normal approximation as well (arXiv 2503.01747).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import lru_cache

LEVEL = 0.95
Z = 1.959964
"""Standard normal quantile of `LEVEL`, two-sided."""
_EXACT_CASES = 2_000
"""Untied cases up to which McNemar's test is exact; beyond, the normal distribution is as good."""

Interval = tuple[float, float]


def mcnemar(wins: int, losses: int) -> float:
    """Two-sided p-value of so many wins and losses if both were equally likely; ties do not count.

    Exact; beyond 2,000 untied cases by the normal distribution with continuity correction.
    """
    n = wins + losses
    if n == 0:
        return 1.0
    if n > _EXACT_CASES:
        return math.erfc(max(0.0, abs(wins - losses) - 1) / math.sqrt(2 * n))
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    # Python divides integers of any size exactly; floats would overflow beyond n = 1,023.
    return min(1.0, 2 * tail / (1 << n))


def bonett_price(wins: int, losses: int, n: int) -> Interval:
    """The interval of the difference of two paired shares: (wins - losses) / n."""
    gain, loss = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    half = Z * math.sqrt((gain + loss - (gain - loss) ** 2) / (n + 2))
    return _within(gain - loss, half, -1.0)


def wilson(passed: float, n: int) -> Interval:
    """Wilson's interval of a share (1927)."""
    share, z2 = passed / n, Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (
        0.0 if passed == 0 else max(0.0, centre - half),
        1.0 if passed == n else min(1.0, centre + half),
    )


def student_interval(mean: float, error: float, degrees: int, lowest: float = -1.0) -> Interval:
    """Student's interval of a mean with its standard error; values are between `lowest` and 1."""
    return _within(mean, student_quantile(degrees) * error, lowest)


def guard(differences: Sequence[float]) -> tuple[float, float]:
    """The mean difference, and its error, with one case more gained and one lost outright."""
    n = len(differences) + 2
    mean = math.fsum(differences) / n
    squares = math.fsum(difference * difference for difference in differences) + 2
    return mean, math.sqrt(max(0.0, squares / n - mean * mean) / n)


def normal_interval(mean: float, error: float) -> Interval:
    """The interval of a mean difference whose error is not estimated from few cases."""
    return _within(mean, Z * error, -1.0)


def normal_tail(mean: float, error: float) -> float:
    """Two-sided p-value of a mean whose error is not estimated from few cases."""
    return math.erfc(abs(mean) / error / math.sqrt(2))


def standard_error(values: Sequence[float]) -> float:
    """The standard error of the mean of values that do not depend on each other."""
    return deviation(values) / math.sqrt(len(values))


def clustered_error(differences: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """The standard error of the mean where the cases of a cluster depend on each other.

    With the correction G / (G - 1) for G clusters; there must be at least two.
    """
    mean, sums = mean_of(differences), dict.fromkeys(clusters, 0.0)
    for difference, cluster in zip(differences, clusters, strict=True):
        sums[cluster] += difference - mean
    correction = math.sqrt(len(sums) / (len(sums) - 1))
    return (
        math.sqrt(math.fsum(value * value for value in sums.values())) / len(clusters) * correction
    )


def _within(centre: float, half: float, lowest: float) -> Interval:
    return max(lowest, centre - half), min(1.0, centre + half)


def mean_of(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample; 0 for a single value, and for equal ones."""
    if len(values) < 2 or min(values) == max(values):
        return 0.0
    mean = mean_of(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def student_tail(t: float, degrees: int) -> float:
    """Two-sided p-value of a t statistic."""
    return _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


@lru_cache(maxsize=256)
def student_quantile(degrees: int) -> float:
    """The t that 95% of Student's distribution lies within, on both sides."""
    low, high = 0.0, 16.0  # 12.7 for one degree of freedom, less for more
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (low, middle) if student_tail(middle, degrees) < 1 - LEVEL else (middle, high)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Abramowitz 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    scale = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    numerator, denominator, fraction = 1.0, 0.0, 1.0
    for step in range(400):  # Lentz's method
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + half) * (a + b + half) * x / ((a + step - 1) * (a + step))
        else:
            term = half * (b - half) * x / ((a + step - 1) * (a + step))
        denominator = 1 / (1 + term * denominator)
        numerator = 1 + term / numerator
        change = numerator * denominator
        fraction *= change
        if step and abs(change - 1) < 1e-15:
            break
    return scale / a * (fraction - 1)
