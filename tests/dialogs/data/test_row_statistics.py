"""The dialog with the statistics of a file."""

from __future__ import annotations

import pytest
from support.dialog_app import SIZES, outside, showing

from tui.dialogs.data.row_statistics import RowStatistics
from tui.domain.rows.check_options import DEFAULT_OPTIONS
from tui.domain.rows.formats import Example
from tui.domain.rows.row_statistics import Tally, summarise_tally
from tui.domain.text import has_unsafe
from tui.widgets.data.statistics_view import StatisticsView


def dialog(*, blocks: bool | None = None) -> RowStatistics:
    tally = Tally()
    for n in range(60):
        messages = [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": f"label {n % 3}"},
        ]
        tally.add_all([Example(messages)], [7 * n], 0)  # type: ignore[arg-type]
    title = "\x1b]0;PWNED\x07[/red].jsonl"
    return RowStatistics(summarise_tally(tally, DEFAULT_OPTIONS), title, blocks=blocks)


@pytest.mark.parametrize("size", SIZES)
async def test_the_statistics_scroll_to_the_end_by_keyboard(size: tuple[int, int]) -> None:
    async with showing(dialog(), size) as (app, pilot):
        assert not outside(app)
        assert "60 rows without errors" in app.screen_text()
        await pilot.press("G")
        assert "System prompts" in app.screen_text()
        assert not any(map(has_unsafe, app.screen_text().splitlines()))
        await pilot.press("g", "pagedown", "k", "escape")
        assert app.answers == [None]


async def test_a_wider_terminal_shows_two_columns() -> None:
    async with showing(dialog(), (80, 24)) as (app, pilot):
        view = app.dialog.query_one(StatisticsView)
        below = len(view.lines)
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert len(view.lines) < below


async def test_bars_are_ascii_if_configured() -> None:
    async with showing(dialog(blocks=False)) as (app, _):
        assert "###" in app.screen_text()
        assert "━" not in app.screen_text()
