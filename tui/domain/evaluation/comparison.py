"""Paired scores of two models on the same cases -> is one better, and how sure is that?

The difference is paired: the per-case differences are resampled (bootstrap, 10,000 times, seeded)
for its interval, and the exact sign test (for pass or fail scores McNemar's exact test) gives the
probability of such a count of wins and losses by chance. A model's own mean has Wilson's interval
where scores are pass or fail. Sources: Efron and Tibshirani 1993 ch. 13; McNemar 1947; Wilson 1927;
why not a normal approximation for few cases: arXiv 2411.00640, 2503.01747.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tui.domain.text import number, plural, signed

LEVEL = 0.95
RESAMPLES = 10_000
_Z = 1.959964
"""Standard normal quantile of `LEVEL`, two-sided."""
_Z_POWER = 0.841621
"""Standard normal quantile of a power of 80%."""
LARGE = 2_000
"""Above this many cases the normal approximation is used, and resampling would be slow."""
FEWEST = 6
"""With fewer untied cases the sign test cannot reach 5%: 2 / 2**5 = 0.06."""


class Verdict(StrEnum):
    """The outcome of a comparison."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "not enough evidence"


class Estimate(BaseModel):
    """A mean with its 95% interval."""

    model_config = ConfigDict(frozen=True)

    mean: float
    low: float
    high: float


class Comparison(BaseModel):
    """The tuned against the base model.

    Attributes:
        n: cases that both models answered.
        p_value: of the exact sign test, two-sided.
        errors: cases that one of the models could not answer; not included in `n`.
        detectable: smallest difference that `n` cases can show (80% power); None where all
            differences are equal.
        needed: cases needed to show a difference as large as the observed one; None where it
            is zero.
        fields: name of a JSON field -> share of cases with it correct, base and tuned.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    base: Estimate
    tuned: Estimate
    difference: Estimate
    level: float = LEVEL
    method: str
    p_value: float
    wins: int
    ties: int
    losses: int
    errors: int
    verdict: Verdict
    detectable: float | None = None
    needed: int | None = None
    fields: dict[str, tuple[float, float]] = {}

    @property
    def sentence(self) -> str:
        """The result as a sentence."""
        numbers = (
            f"Difference {signed(self.difference.mean)}, {self.level:.0%} interval "
            f"{signed(self.difference.low)} to {signed(self.difference.high)}"
        )
        left_out = f" {plural(self.errors, 'case')} left out, not answered." if self.errors else ""
        if self.verdict is Verdict.BETTER:
            return (
                f"Fine-tuned is better on {number(self.wins)} of {number(self.n)} "
                f"({number(self.losses)} worse, {number(self.ties)} tied). {numbers}.{left_out}"
            )
        if self.verdict is Verdict.WORSE:
            return (
                f"Fine-tuned is worse on {number(self.losses)} of {number(self.n)} "
                f"({number(self.wins)} better, {number(self.ties)} tied). {numbers}.{left_out}"
            )
        return (
            f"Not enough evidence: do not ship on this. Better on {number(self.wins)} of "
            f"{number(self.n)}, worse on {number(self.losses)}, {number(self.ties)} tied. "
            f"{numbers}; {self._what_would_tell}.{left_out}"
        )

    @property
    def _what_would_tell(self) -> str:
        if self.needed is None:
            return "no difference was observed"
        return f"about {plural(self.needed, 'case')} would be needed"


def compare(
    base: Sequence[float],
    tuned: Sequence[float],
    *,
    errors: int = 0,
    seed: int = 7,
    fields: Mapping[str, tuple[float, float]] | None = None,
) -> Comparison:
    """Compare the scores of two models on the same cases.

    Args:
        base: the base model's scores, 0 to 1, one per case.
        tuned: the tuned model's, in the same order.
        errors: cases that are left out because one model could not answer.
        seed: of the bootstrap; the same scores and seed give the same interval.
        fields: shares of correct fields, passed through.

    Raises:
        ValueError: there is no case, or the lengths differ.
    """
    if not base or len(base) != len(tuned):
        raise ValueError("a comparison needs at least one case that both models answered")
    differences = [after - before for before, after in zip(base, tuned, strict=True)]
    wins = sum(difference > 0 for difference in differences)
    losses = sum(difference < 0 for difference in differences)
    interval, method = _interval(differences, seed)
    p_value = sign_test(wins, losses)
    binary = _is_binary([*base, *tuned])
    return Comparison(
        n=len(base),
        base=_own_estimate(base, seed),
        tuned=_own_estimate(tuned, seed),
        difference=interval,
        method=method,
        p_value=p_value,
        wins=wins,
        ties=len(base) - wins - losses,
        losses=losses,
        errors=errors,
        verdict=_verdict(interval, p_value, wins + losses, binary=binary),
        detectable=_detectable(differences),
        needed=_needed(differences),
        fields=dict(fields or {}),
    )


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of so many wins and losses if both were equally likely.

    Exact; beyond `LARGE` untied cases by the normal distribution with continuity correction.
    """
    n = wins + losses
    if n == 0:
        return 1.0
    if n > LARGE:
        return math.erfc(max(0.0, abs(wins - losses) - 1) / math.sqrt(2 * n))
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    # Python divides integers of any size exactly; floats would overflow beyond n = 1,023.
    return min(1.0, 2 * tail / (1 << n))


def wilson(passed: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    share, z2 = passed / n, _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if passed == 0 else centre - half
    high = 1.0 if passed == n else centre + half
    return max(0.0, low), min(1.0, high)


def field_shares(
    pairs: Iterable[tuple[Mapping[str, bool], Mapping[str, bool]]],
) -> dict[str, tuple[float, float]]:
    """The share of cases with each JSON field correct, base and tuned, in order of appearance."""
    counts: dict[str, list[int]] = {}
    for base, tuned in pairs:
        for name in {**base, **tuned}:
            count = counts.setdefault(name, [0, 0, 0])
            count[0] += base.get(name, False)
            count[1] += tuned.get(name, False)
            count[2] += 1
    return {name: (base / n, tuned / n) for name, (base, tuned, n) in counts.items()}


def _verdict(interval: Estimate, p_value: float, untied: int, *, binary: bool) -> Verdict:
    """An interval clear of zero is not enough: a bootstrap of few cases is too narrow."""
    enough = p_value <= 1 - LEVEL if binary else untied >= FEWEST
    if enough and interval.low > 0:
        return Verdict.BETTER
    if enough and interval.high < 0:
        return Verdict.WORSE
    return Verdict.UNCLEAR


def _own_estimate(scores: Sequence[float], seed: int) -> Estimate:
    if not _is_binary(scores):
        return _interval(scores, seed)[0]
    low, high = wilson(round(sum(scores)), len(scores))
    return Estimate(mean=_mean(scores), low=low, high=high)


def _interval(values: Sequence[float], seed: int) -> tuple[Estimate, str]:
    n, mean = len(values), _mean(values)
    if len(set(values)) == 1:
        return Estimate(mean=mean, low=mean, high=mean), _bootstrap_name(seed)
    if n > LARGE:
        half = _Z * _deviation(values) / math.sqrt(n)
        return Estimate(mean=mean, low=mean - half, high=mean + half), "paired normal"
    draw: Callable[..., list[float]] = random.Random(seed).choices
    means = sorted(math.fsum(draw(values, k=n)) / n for _ in range(RESAMPLES))
    cut = round(RESAMPLES * (1 - LEVEL) / 2)
    # A mean of equal values and their rounded sum may differ in the last digit.
    low, high = min(means[cut - 1], mean), max(means[-cut], mean)
    return Estimate(mean=mean, low=low, high=high), _bootstrap_name(seed)


def _bootstrap_name(seed: int) -> str:
    return f"paired bootstrap, {number(RESAMPLES)} resamples, seed {seed}"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _detectable(differences: Sequence[float]) -> float | None:
    spread = _deviation(differences)
    return (_Z + _Z_POWER) * spread / math.sqrt(len(differences)) if spread else None


def _needed(differences: Sequence[float]) -> int | None:
    mean = _mean(differences)
    if abs(mean) < 1e-9:
        return None
    by_power = ((_Z + _Z_POWER) * _deviation(differences) / mean) ** 2
    return max(FEWEST, math.ceil(by_power), len(differences) + 1)


def _is_binary(scores: Iterable[float]) -> bool:
    return all(score in (0.0, 1.0) for score in scores)
