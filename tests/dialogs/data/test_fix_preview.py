"""The preview of fixes for a row or for all rows."""

from __future__ import annotations

import pytest
from support.dialog_app import SIZES, outside, showing

from tui.dialogs.data.fix_preview import FixAnswer, FixChoice, FixPreview
from tui.domain.rows.diff import row_diff
from tui.domain.text import has_unsafe
from tui.widgets.diff_view import DiffView

DAMAGED = FixChoice(
    "encoding-damage",
    "repair the encoding",
    row_diff('{"content": "cafÃ©"}'.encode(), '{"content": "café"}'.encode()),
    others=31,
)
ALONE = FixChoice(
    "control-characters",
    "remove them",
    row_diff('{"a": "x\u200by", "b": 1}'.encode(), b'{"a": "xy", "b": 1}'),
    others=0,
)
LONG = FixChoice("extra", "drop fields", row_diff(b"{}", b"[" + b"1," * 300 + b"1]"), others=1)


@pytest.mark.parametrize("size", SIZES)
async def test_a_fix_is_previewed_before_it_is_applied(size: tuple[int, int]) -> None:
    async with showing(FixPreview("Line 12", [DAMAGED, ALONE]), size) as (app, pilot):
        assert not outside(app)
        text = app.screen_text()
        for words in (
            "Line 12",
            "cafÃ©",
            "café",
            "31",
            "Fix all of this kind (a)",
            "Fix this row (enter)",
        ):
            assert words in text
        await pilot.press("down")
        assert "x�y" in app.screen_text()
        assert not any(map(has_unsafe, app.screen_text().splitlines()))
        await pilot.press("enter")
        assert app.answers == [FixAnswer("control-characters", all=False)]


async def test_one_key_fixes_all_rows_with_the_problem() -> None:
    async with showing(FixPreview("Line 12", [DAMAGED, ALONE])) as (app, pilot):
        await pilot.press("a")
        assert app.answers == [FixAnswer("encoding-damage", all=True)]


async def test_fixes_of_the_whole_file_apply_to_all_rows() -> None:
    async with showing(FixPreview("All rows", [ALONE, DAMAGED], every=True)) as (app, pilot):
        text = app.screen_text()
        assert "Fix these rows (enter)" in text
        assert "this row" not in text
        assert "  1 " in text
        assert "none" not in text
        await pilot.press("down")
        assert "  32 " in app.screen_text()
        await pilot.press("enter")
        assert app.answers == [FixAnswer("encoding-damage", all=True)]


async def test_one_key_applies_every_fix_of_the_file() -> None:
    async with showing(FixPreview("All rows", [ALONE, DAMAGED], every=True)) as (app, pilot):
        assert "Fix all kinds (a)" in app.screen_text()
        await pilot.press("a")
        assert app.answers == [FixAnswer("", all=True)]


async def test_a_problem_of_a_single_row_cannot_be_fixed_for_all() -> None:
    async with showing(FixPreview("Line 12", [ALONE])) as (app, pilot):
        assert "none" in app.screen_text()
        await pilot.press("a")
        assert app.open
        assert "No other row has this problem." in app.screen_text()
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_long_diff_scrolls_while_the_list_keeps_the_focus() -> None:
    async with showing(FixPreview("Line 12", [LONG])) as (app, pilot):
        diff = app.dialog.query_one(DiffView)
        assert len(diff.lines) > diff.size.height
        before = app.screen_text()
        await pilot.press("pagedown", "pagedown", "pageup")
        assert diff.scroll_offset.y == diff.scrollable_content_region.height - 1
        assert app.screen_text() != before
        await pilot.press("enter")
        assert app.answers == [FixAnswer("extra", all=False)]
