"""The table of any length: cursor, rows on demand, aligned cells."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region

from tui.domain.text import has_unsafe
from tui.domain.tone import Tone
from tui.widgets.line_table import Cell, Column, LineTable, column_widths, fit
from tui.widgets.scroll_mark import MARK

COLUMNS = [Column("n", 7, right=True), Column("text"), Column("more", from_width=100)]


class TableApp(App[None]):
    """A million rows of foreign text."""

    def __init__(self, rows: int = 1_000_000) -> None:
        super().__init__()
        self.rows = rows
        self.requested: list[int] = []
        self.messages: list[tuple[str, int]] = []
        self.late: set[int] = set()

    def compose(self) -> ComposeResult:
        yield LineTable(COLUMNS, self.cells)

    def on_mount(self) -> None:
        self.query_one(LineTable).set_row_count(self.rows)

    def cells(self, row: int) -> Sequence[Cell] | None:
        self.requested.append(row)
        if row in self.late:
            return None
        return [str(row), ("日本語\x1b[31m [/red] 👩‍🚀", Tone.BAD), "more"]

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        self.messages.append(("at", message.row))

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        self.messages.append(("selected", message.row))

    def on_line_table_rows_needed(self, message: LineTable.RowsNeeded) -> None:
        self.messages.append(("needed", message.first))


def lines(table: LineTable) -> list[str]:
    return [table.render_line(y).text for y in range(table.size.height)]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_only_visible_rows_of_a_million_are_requested(size: tuple[int, int]) -> None:
    app = TableApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert set(app.requested) == set(range(size[1] - 1))
        table = app.query_one(LineTable)
        visible = lines(table)
        assert visible[0].split() == (["n", "text", "more"] if size[0] > 100 else ["n", "text"])
        assert {cell_len(line) for line in visible} == {size[0]}
        assert not any(has_unsafe(line) for line in visible)


async def test_keys_move_the_cursor_and_select() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(LineTable)
        for keys, row in [
            (("down", "j"), 2),
            (("k",), 1),
            (("up", "up", "up"), 0),
            (("pagedown",), 22),
            (("pageup",), 0),
            (("G",), 999_999),
            (("down",), 999_999),
            (("g",), 0),
            (("end",), 999_999),
            (("home",), 0),
        ]:
            await pilot.press(*keys)
            assert table.cursor == row
            first, count = table.visible_rows
            assert first <= row < first + count
        await pilot.press("j", "enter")
        assert app.messages[-1] == ("selected", 1)
        await pilot.click(offset=(10, 5))
        assert app.messages[-1] == ("at", 4)


async def test_moving_the_cursor_repaints_two_lines() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.requested.clear()
        await pilot.press("down")
        await pilot.pause()
        assert sorted(set(app.requested)) == [0, 1]


async def test_rows_not_loaded_yet_are_requested_once_and_shown_later() -> None:
    app = TableApp()
    app.late = set(range(50))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.pause()  # the first paint asks, the next turn hears it
        assert app.messages.count(("needed", 0)) == 1
        app.late.clear()
        app.query_one(LineTable).rows_changed([3])
        await pilot.pause()
        assert "日本語" in lines(app.query_one(LineTable))[4]


async def test_a_table_that_shrinks_keeps_its_cursor_on_a_row() -> None:
    app = TableApp(50)
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(LineTable)
        await pilot.press("G")
        table.set_row_count(10)
        await pilot.pause()
        assert table.cursor == 9
        table.set_row_count(0)
        await pilot.press("down", "enter")
        assert table.cursor == 0
        assert app.messages[-1][0] == "at"


@given(st.text(), st.integers(0, 40), st.booleans())
def test_a_cell_takes_exactly_its_width(text: str, width: int, right: bool) -> None:
    cell = fit(text, width, right=right)
    assert cell_len(cell) == width
    assert not has_unsafe(cell)


@given(st.integers(40, 300))
def test_the_columns_fill_the_table(width: int) -> None:
    widths = column_widths(COLUMNS, width)
    visible = [width for width in widths if width]
    assert sum(visible) + len(visible) - 1 == width


async def test_a_mark_shows_the_position_of_the_visible_rows() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.query_one(LineTable)
        for key, line in [("g", 1), ("G", 23), ("g", 1)]:
            await pilot.press(key)
            assert [y for y, text in enumerate(lines(table)) if text.endswith(MARK)] == [line]
        await pilot.click(LineTable, offset=(79, 12))
        assert table.cursor == 500_000
        table.set_row_count(5)
        await pilot.pause()
        assert not any(text.endswith(MARK) for text in lines(table))


class ColouredApp(App[None]):
    """One row of coloured cells, one of them blank."""

    def compose(self) -> ComposeResult:
        columns = [Column("a", 5), Column("b", 5), Column("c", 5), Column("d")]
        cells: list[Cell] = [("bad", Tone.BAD), ("", Tone.WARNED), ("no", Tone.BAD), "plain"]
        yield LineTable(columns, lambda row: cells)

    def on_mount(self) -> None:
        self.query_one(LineTable).set_row_count(2)


async def test_blank_cells_do_not_change_the_colour() -> None:
    """Each change of colour is 40 bytes over SSH."""
    app = ColouredApp()
    async with app.run_test(size=(80, 24)):
        line = app.query_one(LineTable).render_line(2)
        assert [segment.text.split() for segment in line] == [[], ["bad", "no"], ["plain"]]


async def test_only_changed_cells_are_repainted() -> None:
    app = ColouredApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        table = app.query_one(LineTable)
        repainted: list[Region] = []
        table.refresh = lambda *regions, **more: repainted.extend(regions)  # type: ignore[method-assign, assignment]
        old = ["a", "b", "c", "d"]
        table.cells_changed(1, old, ["a", "B", "C", "d"])
        table.cells_changed(1, old, old)
        table.cells_changed(9, old, ["a", "B", "c", "d"])
        assert repainted == [Region(8, 2, 11, 1)]
