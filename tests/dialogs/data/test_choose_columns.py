"""Choosing the columns of a table, by keyboard."""

from __future__ import annotations

import pytest
from support.dialog_app import SIZES, outside, showing

from tui.dialogs.data.choose_columns import ChooseColumns

TITLES = ["line", "state", "turns", "tokens"]


@pytest.mark.parametrize("size", SIZES)
async def test_unticked_columns_are_hidden(size: tuple[int, int]) -> None:
    async with showing(ChooseColumns(TITLES, frozenset({"turns"})), size) as (app, pilot):
        assert not outside(app)
        text = app.screen_text()
        assert "[x] state" in text
        assert "[ ] turns" in text
        await pilot.press("down", "space", "down", "space", "enter")
        assert app.answers == [frozenset({"state"})]


async def test_esc_changes_nothing() -> None:
    async with showing(ChooseColumns(TITLES, frozenset())) as (app, pilot):
        await pilot.press("space", "escape")
        assert app.answers == [None]


async def test_hiding_every_column_is_refused_in_the_dialog() -> None:
    async with showing(ChooseColumns(TITLES, frozenset())) as (app, pilot):
        await pilot.press("minus", "enter")
        assert app.open
        assert "Select at least one column" in app.screen_text()
        await pilot.press("plus")
        assert "needs a column" not in app.screen_text()
        await pilot.press("enter")
        assert app.answers == [frozenset()]


async def test_the_buttons_can_be_reached_by_tab() -> None:
    async with showing(ChooseColumns(TITLES, frozenset())) as (app, pilot):
        await pilot.press("space", "tab", "tab", "enter")
        assert app.answers == [frozenset({"line"})]
