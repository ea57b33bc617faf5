"""Histogram bars: proportional, of one width, and never empty for a value above zero."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.domain.rows.row_statistics import Distribution, Histogram
from tui.domain.text import has_unsafe
from tui.widgets.data.histogram import Bar, bar, draw_bars, percent, ranges

bars = st.builds(Bar, st.text(max_size=60), st.integers(0, 10**9))


def test_a_bar_is_drawn_in_half_cells_or_in_ascii() -> None:
    assert bar(0.75, 4) == "━━━ "
    assert bar(0.6, 4) == "━━╸ "
    assert bar(0.75, 4, blocks=False) == "### "
    assert bar(1, 4) == "━━━━"


@given(st.floats(0, 1), st.integers(1, 200), st.booleans())
def test_the_length_of_a_bar_is_proportional_to_its_share(
    share: float, width: int, blocks: bool
) -> None:
    text = bar(share, width, blocks=blocks)
    assert len(text) == width
    assert (text.strip() == "") == (share == 0)
    assert abs(len(text.strip()) - share * width) <= 1


@given(st.lists(bars, max_size=20), st.integers(30, 200), st.booleans())
def test_lines_fill_their_width_exactly(items: list[Bar], width: int, blocks: bool) -> None:
    for line in draw_bars(items, sum(item.count for item in items), width, blocks=blocks):
        assert cell_len(line.plain) == width
        assert not has_unsafe(line.plain)


def test_counts_and_shares_are_aligned() -> None:
    lines = draw_bars([Bar("user", 1500), Bar("日本 [/x]", 500)], 2000, 40)
    assert [line.plain for line in lines] == [
        "user      ━━━━━━━━━━━━━━━━━━━ 1,500  75%",
        "日本 [/x] ━━━━━━╸               500  25%",
    ]


def test_a_share_above_zero_is_never_shown_as_zero() -> None:
    assert percent(0, 1000) == "  0%"
    assert percent(1, 1000) == " <1%"
    assert percent(10, 1000) == "  1%"
    assert percent(1000, 1000) == "100%"
    assert percent(0, 0) == "  0%"


def test_ranges_are_labelled_by_their_first_and_last_value() -> None:
    single = Histogram((1, 2, 3, 9), (5, 2, 1), least=1, most=8, mean=2, median=1, p95=8)
    assert [item.label for item in ranges(single)] == ["1", "2", "3+"]
    wide = Histogram((0, 500, 1000), (5, 2), least=3, most=800, mean=2, median=1, p95=8)
    assert [item.label for item in ranges(wide)] == ["0-499", "500-999"]
    assert ranges(Distribution().histogram()) == []


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=200))
def test_every_value_is_in_a_range(values: list[int]) -> None:
    spread = Distribution()
    spread.add_all(values)
    items = ranges(spread.histogram())
    assert sum(item.count for item in items) == len(values)
    assert len({item.label for item in items}) == len(items)
