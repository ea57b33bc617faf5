"""Paired scores of two models on the same cases -> is one better, and how sure is that?

The methods are those of `statistics`. A verdict of "better" needs a clear test, an interval above
the margin and, for graded scores, a guard: it must stand if one case more were gained and one lost
outright, since a few cases do not show rare large losses.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tui.domain.evaluation import sample_size, statistics
from tui.domain.evaluation.statistics import LEVEL, Interval
from tui.domain.text import number, plural, signed

_NOTHING = 1e-9
"""A difference below this is a rounding error."""


class Verdict(StrEnum):
    """The outcome of a comparison."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "not enough evidence"
    NO_DIFFERENCE = "no difference that matters"


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
        p_value: of the test that `method` names, two-sided.
        errors: cases that one of the models could not answer; not included in `n`.
        margin: the smallest difference that matters.
        guard: the interval with one case gained and one lost outright added, for graded scores.
        fragility: how many cases would have to flip to lose the verdict; None where it is open.
        detectable: smallest difference that `n` cases can show (80% power); None for none.
        needed: cases that would settle it if the observed difference is the true one; None where
            it is settled, or no number would.
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
    margin: float = 0.0
    guard: Estimate | None = None
    fragility: int | None = None
    detectable: float | None = None
    needed: int | None = None
    fields: dict[str, tuple[float, float]] = {}

    @property
    def sentence(self) -> str:
        """The result as a sentence."""
        counts = f"({number(self.losses)} worse, {number(self.ties)} tied)"
        better = f"Better on {number(self.wins)} of {number(self.n)} {counts}."
        match self.verdict:
            case Verdict.BETTER:
                text = f"Fine-tuned is better on {number(self.wins)} of {number(self.n)} {counts}."
            case Verdict.WORSE:
                text = (
                    f"Fine-tuned is worse on {number(self.losses)} of {number(self.n)} "
                    f"({number(self.wins)} better, {number(self.ties)} tied)."
                )
            case Verdict.NO_DIFFERENCE:
                text = f"No difference that matters (\u00b1{self.margin:g}). {better}"
            case Verdict.UNCLEAR if self.only_so_far:
                outcome = "Better" if self.difference.mean > 0 else "Worse"
                text = f"{outcome} so far; one case gone wholly wrong would undo it. {better}"
            case Verdict.UNCLEAR:
                text = f"Not enough evidence: do not ship on this. {better}"
        left_out = f" {plural(self.errors, 'case')} left out, not answered." if self.errors else ""
        return f"{text} {self._numbers}{left_out}"

    @property
    def only_so_far(self) -> bool:
        """Whether the test is clear and the guard is not."""
        if self.verdict is not Verdict.UNCLEAR or self.guard is None:
            return False
        better = self.difference.low > self.margin >= self.guard.low
        return better or self.difference.high < -self.margin <= self.guard.high

    @property
    def _numbers(self) -> str:
        text = (
            f"Difference {signed(self.difference.mean)}, {self.level:.0%} interval "
            f"{signed(self.difference.low)} to {signed(self.difference.high)}"
        )
        if self.verdict is not Verdict.UNCLEAR:
            return f"{text}."
        if self.needed is None:
            matters = " that matters" if self.margin else ""
            return f"{text}; no difference{matters} was observed."
        return f"{text}; about {plural(self.needed, 'case')} would be needed."


def certainty_lines(result: Comparison) -> Iterator[str]:
    """How firm a result is: what would undo it, and what so many cases can show."""
    if result.fragility is not None:
        cases = plural(result.fragility, "case")
        yield f"{cases} that flip from one model to the other would undo the verdict"
    if result.guard is not None:
        low, high = signed(result.guard.low), signed(result.guard.high)
        yield f"with one case more gained and one lost outright: {low} to {high}"
    if result.detectable is not None:
        cases = plural(result.n, "case")
        yield f"smallest difference that {cases} can show: {result.detectable:.2f}"


def compare(
    base: Sequence[float],
    tuned: Sequence[float],
    *,
    errors: int = 0,
    margin: float = 0.0,
    clusters: Sequence[Hashable] = (),
    fields: Mapping[str, tuple[float, float]] | None = None,
) -> Comparison:
    """Compare the scores of two models on the same cases.

    Args:
        base: the base model's scores, 0 to 1, one per case.
        tuned: the tuned model's, in the same order.
        errors: cases that are left out because one model could not answer.
        margin: the smallest difference that matters.
        clusters: what each case belongs to, where cases of the same one depend on each other.
        fields: shares of correct fields, passed through.

    Raises:
        ValueError: there is no case, or the lengths differ.
    """
    if not base or len(base) != len(tuned):
        raise ValueError("a comparison needs at least one case that both models answered")
    differences = [after - before for before, after in zip(base, tuned, strict=True)]
    wins = sum(difference > 0 for difference in differences)
    losses = sum(difference < 0 for difference in differences)
    depends = 1 < len(set(clusters)) < len(differences)
    data: _PassFail | _Graded = (
        _PassFail(wins, losses, len(base))
        if _is_binary([*base, *tuned]) and not depends
        else _Graded(differences, clusters if depends else ())
    )
    evidence = data.evidence()
    verdict = evidence.verdict(margin)
    mean, settled = statistics.mean_of(differences), verdict is not Verdict.UNCLEAR
    return Comparison(
        n=len(base),
        base=_own_estimate(base),
        tuned=_own_estimate(tuned),
        difference=_estimate(mean, evidence.interval),
        method=data.method,
        p_value=evidence.p_value,
        wins=wins,
        ties=len(base) - wins - losses,
        losses=losses,
        errors=errors,
        verdict=verdict,
        margin=margin,
        guard=_estimate(mean, evidence.guard) if evidence.guard else None,
        fragility=_fragility(data, verdict, margin),
        detectable=data.detectable(margin),
        needed=None if settled or abs(mean) - margin < _NOTHING else data.needed(abs(mean), margin),
        fields=dict(fields or {}),
    )


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What paired differences show about their mean.

    Attributes:
        enough: whether there are enough untied cases for any verdict.
    """

    interval: Interval
    p_value: float
    guard: Interval | None = None
    enough: bool = True

    def verdict(self, margin: float) -> Verdict:
        guard_low, guard_high = self.guard or self.interval
        low, high = min(self.interval[0], guard_low), max(self.interval[1], guard_high)
        if margin and low >= -margin and high <= margin:
            return Verdict.NO_DIFFERENCE
        clear = self.enough and self.p_value <= 1 - LEVEL
        if clear and low > margin:
            return Verdict.BETTER
        return Verdict.WORSE if clear and high < -margin else Verdict.UNCLEAR


@dataclass(frozen=True, slots=True)
class _PassFail:
    """Scores of 0 and 1, of cases that do not depend on each other."""

    wins: int
    losses: int
    n: int

    @property
    def method(self) -> str:
        return "Bonett-Price interval, exact McNemar test"

    def evidence(self) -> _Evidence:
        interval = statistics.bonett_price(self.wins, self.losses, self.n)
        return _Evidence(interval, statistics.mcnemar(self.wins, self.losses))

    @property
    def gains(self) -> int:
        return self.wins

    def mirrored(self) -> _PassFail:
        return _PassFail(self.losses, self.wins, self.n)

    def gains_first(self) -> _PassFail:
        return self

    def flipped(self, count: int) -> _PassFail:
        """The same with some wins turned into losses."""
        return _PassFail(self.wins - count, self.losses + count, self.n)

    def needed(self, difference: float, margin: float) -> int | None:
        discordant = (self.wins + self.losses) / self.n
        needed = sample_size.cases_for_shares(difference - margin, discordant)
        return max(needed, self.n + 1) if needed else None

    def detectable(self, margin: float) -> float | None:
        shown = sample_size.shown_by_shares(self.n, (self.wins + self.losses) / self.n)
        return None if shown is None else min(1.0, shown + margin)


@dataclass(frozen=True, slots=True)
class _Graded:
    """Differences of any size, perhaps of cases that depend on each other."""

    differences: Sequence[float]
    clusters: Sequence[Hashable] = ()

    @property
    def method(self) -> str:
        if self.clusters:
            return (
                f"Student's t with errors clustered in {plural(len(set(self.clusters)), 'group')}"
            )
        return "Student's t of the paired differences"

    def evidence(self) -> _Evidence:
        guarded = statistics.guard(self.differences)
        guard = statistics.normal_interval(*guarded)
        enough = sum(map(bool, self.differences)) >= sample_size.FEWEST
        error, units = self._error()
        if not error:  # equal differences, or a single one, say nothing about the next
            return _Evidence(guard, statistics.normal_tail(*guarded), guard, enough)
        mean = statistics.mean_of(self.differences)
        interval = statistics.student_interval(mean, error, units - 1)
        return _Evidence(interval, statistics.student_tail(mean / error, units - 1), guard, enough)

    def _error(self) -> tuple[float, int]:
        """The standard error of the mean, and the number of units that it is estimated from."""
        if self.clusters:
            error = statistics.clustered_error(self.differences, self.clusters)
            return error, len(set(self.clusters))
        return statistics.standard_error(self.differences), len(self.differences)

    def mirrored(self) -> _Graded:
        return _Graded([-difference for difference in self.differences], self.clusters)

    @property
    def gains(self) -> int:
        return sum(difference > 0 for difference in self.differences)

    def gains_first(self) -> _Graded:
        """The same with the largest gains first."""
        order = sorted(range(len(self.differences)), key=lambda place: -self.differences[place])
        clusters = [self.clusters[place] for place in order] if self.clusters else ()
        return _Graded([self.differences[place] for place in order], clusters)

    def flipped(self, count: int) -> _Graded:
        """The same with the first gains turned into losses."""
        losses = [-difference for difference in self.differences[:count]]
        return _Graded([*losses, *self.differences[count:]], self.clusters)

    def needed(self, difference: float, margin: float) -> int | None:
        needed = sample_size.cases_for_mean(difference, self._spread(), margin)
        return max(needed, len(self.differences) + 1, sample_size.FEWEST) if needed else None

    def detectable(self, margin: float) -> float | None:
        return sample_size.shown_by_mean(len(self.differences), self._spread(), margin)

    def _spread(self) -> float:
        """The standard deviation that independent cases would have for the same error."""
        return self._error()[0] * math.sqrt(len(self.differences))


def _fragility(data: _PassFail | _Graded, verdict: Verdict, margin: float) -> int | None:
    """How many gains must turn into losses, or the reverse, to lose a verdict."""
    if verdict not in (Verdict.BETTER, Verdict.WORSE):
        return None
    won = (data if verdict is Verdict.BETTER else data.mirrored()).gains_first()
    return bisect_left(
        range(won.gains + 1),
        True,
        key=lambda count: won.flipped(count).evidence().verdict(margin) is not Verdict.BETTER,
    )


def _own_estimate(scores: Sequence[float]) -> Estimate:
    mean, error = statistics.mean_of(scores), statistics.standard_error(scores)
    if not error or _is_binary(scores):
        return _estimate(mean, statistics.wilson(math.fsum(scores), len(scores)))
    return _estimate(mean, statistics.student_interval(mean, error, len(scores) - 1, 0.0))


def _estimate(mean: float, interval: Interval) -> Estimate:
    low, high = interval
    # A mean of equal values and their rounded sum may differ in the last digit.
    return Estimate(mean=mean, low=min(low, mean), high=max(high, mean))


def _is_binary(scores: Iterable[float]) -> bool:
    return all(score in (0.0, 1.0) for score in scores)


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
