"""The list with check boxes: keys, clicks and messages."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from tui.widgets.check_list import CheckList
from tui.widgets.line_table import Column


class ListApp(App[None]):
    """Three rows, the second ticked."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[frozenset[int]] = []

    def compose(self) -> ComposeResult:
        rows = [["refusal", "3"], ["\x1b[31m[/red]", "2"], ["empty", "1"]]
        yield CheckList([Column("code"), Column("rows", 4)], rows, ticked=[1])

    def on_check_list_changed(self, message: CheckList.Changed) -> None:
        self.changes.append(message.control.ticked)


def boxes(checks: CheckList) -> list[str]:
    return [checks.render_line(y).text[2:5] for y in range(1, checks.row_count + 1)]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_space_ticks_the_row_under_the_cursor(size: tuple[int, int]) -> None:
    app = ListApp()
    async with app.run_test(size=size) as pilot:
        checks = app.query_one(CheckList)
        assert boxes(checks) == ["[ ]", "[x]", "[ ]"]
        await pilot.press("space", "down", "space")
        assert boxes(checks) == ["[x]", "[ ]", "[ ]"]
        assert app.changes == [{0, 1}, {0}]


async def test_plus_and_minus_tick_all_and_none() -> None:
    app = ListApp()
    async with app.run_test() as pilot:
        await pilot.press("plus", "plus", "minus")
        assert app.changes == [{0, 1, 2}, frozenset()]


async def test_a_click_on_a_box_ticks_it_and_one_beside_it_does_not() -> None:
    app = ListApp()
    async with app.run_test() as pilot:
        await pilot.click(offset=(3, 3))
        assert app.query_one(CheckList).ticked == {1, 2}
        await pilot.click(offset=(20, 2))
        assert app.query_one(CheckList).ticked == {1, 2}
        assert app.query_one(CheckList).cursor == 1
