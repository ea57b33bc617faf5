"""How many cases show a difference, and which difference some cases show."""

from __future__ import annotations

import random

import pytest

from tui.domain.evaluation.sample_size import (
    POWER,
    cases_for_mean,
    cases_for_shares,
    mcnemar_power,
    shown_by_mean,
    shown_by_shares,
)
from tui.domain.evaluation.statistics import mcnemar


def test_the_exact_power_of_mcnemars_test_has_the_known_values() -> None:
    assert mcnemar_power(155, 0.1, 0.2) == pytest.approx(0.762, abs=5e-4)
    assert mcnemar_power(170, 0.1, 0.2) == pytest.approx(0.806, abs=5e-4)


def test_the_exact_power_is_that_of_simulated_test_sets() -> None:
    chance, clear = random.Random(4), 0
    for _ in range(2_000):
        outcomes = chance.choices([1, -1, 0], [0.4, 0.1, 0.5], k=40)
        wins, losses = outcomes.count(1), outcomes.count(-1)
        clear += wins > losses and mcnemar(wins, losses) <= 0.05
    assert mcnemar_power(40, 0.3, 0.5) == pytest.approx(clear / 2_000, abs=0.03)


@pytest.mark.parametrize(("difference", "discordant"), [(0.1, 0.2), (0.3, 0.3), (0.05, 0.4)])
def test_the_needed_cases_are_enough_and_few_less_are_not(
    difference: float, discordant: float
) -> None:
    n = cases_for_shares(difference, discordant)
    assert n is not None
    if n <= 400:
        assert mcnemar_power(n, difference, discordant) >= POWER
        assert mcnemar_power(round(n * 0.85), difference, discordant) < POWER
    shown = shown_by_shares(n, discordant)
    assert shown is not None
    assert shown == pytest.approx(difference, rel=0.02)


def test_the_needed_cases_of_graded_scores_are_those_of_the_formula_and_few_more() -> None:
    # (1.96 + 0.84)² (1/9) / 0.03² = 969, without the guard.
    assert cases_for_mean(0.03, 1 / 3) == pytest.approx(969, rel=0.02)
    assert cases_for_mean(0.03, 1 / 3) > 969  # type: ignore[operator]
    assert cases_for_mean(0.1, 0.25) == 72
    assert shown_by_mean(72, 0.25) == pytest.approx(0.1, abs=2e-3)


def test_a_difference_of_nothing_needs_more_cases_than_there_are() -> None:
    assert cases_for_shares(1e-9, 0.2) is None
    assert cases_for_mean(1e-9, 0.2) is None
    assert cases_for_mean(0.04, 0.2, margin=0.05) is None
    assert shown_by_shares(3, 1.0) is None
    assert shown_by_mean(1, 0.0) is None
