"""Every test and interval against its published example and an independent library."""

from __future__ import annotations

import math
import random

import errorbars
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.proportion import proportion_confint

from tui.domain.evaluation.statistics import (
    bonett_price,
    clustered_error,
    guard,
    mcnemar,
    normal_interval,
    normal_tail,
    standard_error,
    student_interval,
    student_quantile,
    student_tail,
    wilson,
)

CLUSTERED = [0.5, 0.25, 0, 0, -0.25, 1, 1, 0.75, 0, 0.25, 0.5, -0.5]
CLUSTERS = [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4]
COUNTS = [(0, 0), (5, 0), (6, 0), (10, 2), (7, 7), (61, 12), (900, 1_000)]


@pytest.mark.parametrize(
    ("wins", "losses", "p_value"), [(7, 1, 0.0703125), (16, 6, 0.052479), (12, 3, 0.03515625)]
)
def test_mcnemars_test_gives_the_published_values(wins: int, losses: int, p_value: float) -> None:
    # Bentur 2009 and Cavo 2012, as in Fagerland, Lydersen and Laake 2013.
    assert mcnemar(wins, losses) == pytest.approx(p_value, abs=1e-6)


@pytest.mark.parametrize(("wins", "losses"), COUNTS)
def test_mcnemars_test_agrees_with_statsmodels(wins: int, losses: int) -> None:
    table = [[3, wins], [losses, 4]]
    expected = mcnemar_of_statsmodels(table, exact=True).pvalue
    assert mcnemar(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_mcnemars_test_of_thousands_of_cases_is_as_the_exact_one() -> None:
    assert mcnemar(1_100, 1_000) == pytest.approx(stats.binomtest(1_000, 2_100).pvalue, rel=1e-3)


def test_the_interval_of_bonett_and_price_gives_the_published_values() -> None:
    # Cavo 2012, as in Fagerland, Lydersen and Laake 2014.
    assert bonett_price(6, 16, 161) == pytest.approx((-0.1195, -0.0032), abs=5e-5)
    assert bonett_price(30, 0, 30) == pytest.approx((0.82, 1.0), abs=5e-3)


@pytest.mark.parametrize(("passed", "n"), [(0, 30), (8, 10), (30, 30), (1, 2)])
def test_wilsons_interval_agrees_with_statsmodels(passed: int, n: int) -> None:
    expected = proportion_confint(passed, n, method="wilson")
    assert wilson(passed, n) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("degrees", [1, 2, 5, 11, 29, 100, 9_999])
def test_students_distribution_agrees_with_scipy(degrees: int) -> None:
    assert student_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)
    for t in (0.0, 0.1, -1.0, 2.0, 5.0, 20.0):
        expected = 2 * stats.t.sf(abs(t), degrees)
        assert student_tail(t, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_students_quantile_gives_the_published_values() -> None:
    assert student_quantile(11) == pytest.approx(2.200985, abs=1e-6)
    assert student_quantile(29) == pytest.approx(2.045230, abs=1e-6)


def test_students_interval_agrees_with_scipy() -> None:
    chance = random.Random(3)
    values = [chance.gauss(0.1, 0.3) for _ in range(20)]
    mean, error = math.fsum(values) / 20, standard_error(values)
    expected = stats.ttest_1samp(values, 0)
    assert student_interval(mean, error, 19) == pytest.approx(
        tuple(expected.confidence_interval(0.95)), rel=1e-9
    )
    assert student_tail(mean / error, 19) == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_clustered_error_agrees_with_statsmodels_and_errorbars() -> None:
    assert standard_error(CLUSTERED) == pytest.approx(0.1370459, abs=1e-7)
    assert clustered_error(CLUSTERED, CLUSTERS) == pytest.approx(0.2014936, abs=1e-7)
    fit = OLS(CLUSTERED, [1.0] * 12).fit(
        cov_type="cluster", cov_kwds={"groups": CLUSTERS, "use_correction": False}
    )
    correction = math.sqrt(5 / 4)
    error = clustered_error(CLUSTERED, CLUSTERS)
    assert error == pytest.approx(fit.bse[0] * correction, rel=1e-9)
    assert error == pytest.approx(errorbars.cluster_robust_se(CLUSTERED, CLUSTERS), rel=1e-9)


def test_the_guard_is_the_normal_interval_with_a_gain_and_a_loss_more() -> None:
    values = [0.05] * 18 + [-0.45] * 2
    with_both = [*values, 1.0, -1.0]
    mean, error = guard(values)
    assert mean == pytest.approx(math.fsum(with_both) / 22)
    assert error == pytest.approx(stats.tstd(with_both, ddof=0) / math.sqrt(22))
    assert normal_interval(mean, error) == pytest.approx(
        stats.norm.interval(0.95, mean, error), abs=1e-6
    )
    assert normal_tail(mean, error) == pytest.approx(2 * stats.norm.sf(abs(mean) / error))
