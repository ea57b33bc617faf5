"""The bar of an interval: its position, its centre and its width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.evaluation.comparison import Estimate
from tui.widgets.evaluate.interval_bar import draw_interval

shares = st.floats(min_value=-1, max_value=1)


def draw(low: float, mean: float, high: float, width: int = 27) -> str:
    return draw_interval(Estimate(mean=mean, low=low, high=high), width)


def test_an_interval_above_zero_is_right_of_the_centre() -> None:
    assert draw(0.4, 0.6, 0.8) == "-1 ──────────┼───━━●━━── +1"


def test_an_interval_across_zero_covers_the_centre() -> None:
    assert draw(-0.2, 0.1, 0.4) == "-1 ────────━━╋●━━━────── +1"


def test_the_extremes_are_at_the_ends() -> None:
    assert draw(1, 1, 1) == "-1 ──────────┼─────────● +1"
    assert draw(-1, -1, -1) == "-1 ●─────────┼────────── +1"


@given(st.tuples(shares, shares, shares).map(sorted), st.integers(10, 300))
def test_the_bar_fills_its_width_and_shows_the_mean(values: list[float], width: int) -> None:
    text = draw(values[0], values[1], values[2], width)
    assert len(text) == width
    assert text.count("●") == 1
