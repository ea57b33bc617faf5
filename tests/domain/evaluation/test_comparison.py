"""Comparison of two models: intervals, the sign test, the verdict and its sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.evaluation.comparison import (
    Verdict,
    compare,
    field_shares,
    sign_test,
    wilson,
)

scores = st.sampled_from([0.0, 0.25, 0.5, 1.0])
pairs = st.lists(st.tuples(scores, scores), min_size=1, max_size=40)


def test_winning_every_case_is_better_and_stated_in_a_sentence() -> None:
    result = compare([0.0] * 30, [1.0] * 30)
    assert result.verdict is Verdict.BETTER
    assert result.sentence == (
        "Fine-tuned is better on 30 of 30 (0 worse, 0 tied). "
        "Difference +1.00, 95% interval +1.00 to +1.00."
    )
    assert result.p_value == pytest.approx(2 / 2**30)


def test_losing_every_case_is_worse() -> None:
    result = compare([1.0] * 12 + [0.0] * 3, [0.0] * 12 + [0.0] * 3)
    assert result.verdict is Verdict.WORSE
    assert result.sentence.startswith("Fine-tuned is worse on 12 of 15 (0 better, 3 tied).")


@pytest.mark.parametrize("n", [1, 3, 5])
def test_a_few_cases_are_never_enough_evidence(n: int) -> None:
    for base, tuned in (([0.0] * n, [1.0] * n), ([0.1] * n, [0.9] * n)):
        result = compare(base, tuned)
        assert result.verdict is Verdict.UNCLEAR
        assert "do not ship on this" in result.sentence
        assert result.needed is not None
        assert result.needed >= 6


def test_equally_many_wins_and_losses_are_not_enough_evidence() -> None:
    result = compare([0.0, 1.0] * 10, [1.0, 0.0] * 10)
    assert result.verdict is Verdict.UNCLEAR
    assert result.difference.low < 0 < result.difference.high
    assert result.needed is None
    assert "no difference was observed" in result.sentence


def test_an_unproven_gain_states_how_many_cases_would_prove_it() -> None:
    result = compare([0.0] * 20 + [1.0] * 20, [1.0] * 4 + [0.0] * 16 + [1.0] * 18 + [0.0] * 2)
    assert result.verdict is Verdict.UNCLEAR
    assert result.needed is not None
    assert result.needed > 40
    assert f"about {result.needed} cases would be needed" in result.sentence
    assert result.detectable is not None
    assert result.detectable > result.difference.mean


def test_errors_are_reported_and_not_counted_as_losses() -> None:
    result = compare([0.0] * 10, [1.0] * 10, errors=2)
    assert (result.n, result.losses, result.errors) == (10, 0, 2)
    assert result.sentence.endswith("2 cases left out, not answered.")


def test_a_comparison_without_cases_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="at least one case"):
        compare([], [])
    with pytest.raises(ValueError, match="at least one case"):
        compare([1.0], [])


def test_the_seed_fixes_the_interval() -> None:
    base = [number / 37 for number in range(31)]
    tuned = [(number * 7 % 31) / 31 for number in range(31)]
    assert compare(base, tuned, seed=1) == compare(base, tuned, seed=1)
    assert compare(base, tuned, seed=1).difference != compare(base, tuned, seed=2).difference


def test_the_sign_test_gives_the_exact_p_value() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(5, 0) == pytest.approx(0.0625)
    assert sign_test(6, 0) == pytest.approx(0.03125)
    # As SciPy's binomial test gives it for 10 of 12.
    assert sign_test(10, 2) == pytest.approx(0.03857421875)
    assert sign_test(7, 7) == 1
    assert 0 < sign_test(5_000, 4_800) < 0.05


def test_wilsons_interval_matches_published_values() -> None:
    # As statsmodels gives it for 8 of 10.
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-5)
    assert wilson(0, 30)[0] == 0
    assert wilson(30, 30)[1] == 1


def test_the_interval_covers_the_true_difference_at_its_confidence_level() -> None:
    import random

    chance = random.Random(5)
    covered = 0
    for seed in range(60):
        base = [float(chance.random() < 0.5) for _ in range(40)]
        tuned = [float(chance.random() < 0.7) for _ in range(40)]
        interval = compare(base, tuned, seed=seed).difference
        covered += interval.low <= 0.2 <= interval.high
    assert covered >= 52


def test_thousands_of_cases_are_compared_quickly_by_the_normal_approximation() -> None:
    result = compare([0.0, 1.0] * 5_000, [1.0, 1.0] * 5_000)
    assert result.method == "paired normal"
    assert result.verdict is Verdict.BETTER
    assert result.difference.low == pytest.approx(0.4902, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(pairs)
def test_counts_and_intervals_of_a_comparison_are_consistent(
    cases: list[tuple[float, float]],
) -> None:
    base, tuned = [before for before, _ in cases], [after for _, after in cases]
    result = compare(base, tuned)
    assert result.wins + result.ties + result.losses == result.n == len(cases)
    for estimate in (result.base, result.tuned, result.difference):
        assert estimate.low <= estimate.mean <= estimate.high
    assert result.difference.mean == pytest.approx(result.tuned.mean - result.base.mean)
    assert 0 <= result.p_value <= 1
    if result.verdict is Verdict.BETTER:
        assert result.difference.low > 0


@settings(max_examples=25, deadline=None)
@given(pairs)
def test_swapping_the_models_swaps_the_verdict(cases: list[tuple[float, float]]) -> None:
    base, tuned = [before for before, _ in cases], [after for _, after in cases]
    forward, backward = compare(base, tuned), compare(tuned, base)
    assert (forward.wins, forward.losses) == (backward.losses, backward.wins)
    assert forward.difference.mean == pytest.approx(-backward.difference.mean)
    assert forward.p_value == backward.p_value


def test_field_shares_count_each_field_where_it_is_expected() -> None:
    shares = field_shares(
        [
            ({"category": False, "order": True}, {"category": True, "order": True}),
            ({"category": False}, {"category": True}),
            ({}, {"category": False}),
        ]
    )
    assert shares == {"category": (0, 2 / 3), "order": (1, 1)}
