"""How many cases it takes to show a difference, and which difference some cases can show.

For a power of 80%: a true difference of that size gives a clear verdict in four of five test sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from tui.domain.evaluation.statistics import LEVEL, Z, mcnemar

Z_POWER = 0.841621
"""Standard normal quantile of `POWER`."""
POWER = 0.8
FEWEST = 6
"""With fewer untied cases McNemar's test cannot reach 5%: 2 / 2**5 = 0.06."""
MOST = 100_000_000
"""A number of cases beyond which no difference is looked for."""
_EXACT = 400
"""Cases up to which the power of McNemar's test is computed exactly."""


@lru_cache(maxsize=1024)
def cases_for_shares(difference: float, discordant: float) -> int | None:
    """Cases needed to show a difference of two paired shares; None where it is too small.

    Miettinen 1968 (Connor 1987), then raised until the exact power suffices.

    Args:
        difference: of the shares, above 0.
        discordant: share of the cases in which the models differ, at least the difference.
    """
    estimate = _cases_by_formula(difference, discordant)
    if estimate > MOST:
        return None
    n = max(FEWEST, math.ceil(estimate))
    while not _shows(n, difference, discordant):
        n += max(1, n // 40)
    return n


def _cases_by_formula(difference: float, discordant: float) -> float:
    spread = math.sqrt(max(0.0, discordant - difference * difference))
    return ((Z * math.sqrt(discordant) + Z_POWER * spread) / difference) ** 2


def _shows(n: int, difference: float, discordant: float) -> bool:
    if n <= _EXACT:
        return mcnemar_power(n, difference, discordant) >= POWER
    return _cases_by_formula(difference, discordant) <= n


def mcnemar_power(n: int, difference: float, discordant: float) -> float:
    """The probability that McNemar's exact test shows a difference, in its direction."""
    loss = (discordant - difference) / (2 * discordant)
    reach = 5 * math.sqrt(n * discordant) + 5  # beyond it untied cases have no probability
    fewest, most = math.floor(n * discordant - reach), math.ceil(n * discordant + reach)
    return math.fsum(
        _binomial(n, untied, discordant) * _at_most(untied, _most_losses(untied), loss)
        for untied in range(max(FEWEST, fewest), min(n, most) + 1)
    )


@lru_cache(maxsize=_EXACT)
def _most_losses(untied: int) -> int:
    """The most losses with which wins are significant; -1 where none are few enough."""
    losses = max(-1, math.floor(untied / 2 - 1.5 * math.sqrt(untied)))
    while mcnemar(untied - losses - 1, losses + 1) <= 1 - LEVEL:
        losses += 1
    while losses >= 0 and mcnemar(untied - losses, losses) > 1 - LEVEL:
        losses -= 1
    return losses


def _at_most(n: int, most: int, share: float) -> float:
    """The probability of at most so many of n."""
    if most < 0 or share <= 0:
        return float(most >= 0)
    term = _binomial(n, 0, share)
    terms = [term]
    for k in range(most):
        term *= (n - k) / (k + 1) * share / (1 - share)
        terms.append(term)
    return math.fsum(terms)


def _binomial(n: int, k: int, share: float) -> float:
    if share <= 0 or share >= 1:
        return float(k == (n if share >= 1 else 0))
    logs = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(logs + k * math.log(share) + (n - k) * math.log1p(-share))


def cases_for_mean(difference: float, deviation: float, margin: float = 0.0) -> int | None:
    """Cases needed to show a mean difference of graded scores; None where it is too small.

    For the test of the mean and for its guard (`statistics.guard_interval`), which asks for more.

    Args:
        difference: the true mean, above 0.
        deviation: standard deviation of the differences.
        margin: what the difference must exceed.
    """
    return _first(lambda n: _shown(n, difference, deviation) > margin)


@lru_cache(maxsize=1024)
def shown_by_shares(n: int, discordant: float) -> float | None:
    """The smallest difference of two paired shares that some cases can show; None for none.

    Args:
        n: the cases.
        discordant: share of the cases in which the models differ, unless the difference is larger.
    """
    step = _first(lambda step: _shows(n, step / 1000, max(discordant, step / 1000)), 1000)
    return None if step is None else step / 1000


def shown_by_mean(n: int, deviation: float, margin: float = 0.0) -> float | None:
    """The smallest mean difference of graded scores that some cases can show; None for none."""
    step = _first(lambda step: _shown(n, step / 1000, deviation) > margin, 1000)
    return None if step is None else step / 1000


def _shown(n: int, difference: float, deviation: float) -> float:
    """What a difference is shown to exceed in four of five test sets of a size."""
    mean = n * difference / (n + 2)
    squares = (n * (deviation * deviation + difference * difference) + 2) / (n + 2)
    return mean - (Z + Z_POWER) * math.sqrt((squares - mean * mean) / (n + 2))


def _first(suffices: Callable[[int], bool], most: int = MOST) -> int | None:
    """The first number, from 1 to the most, from which on something suffices."""
    if not suffices(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high
