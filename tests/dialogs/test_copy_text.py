"""Copying a part of a row, and the limit of terminals."""

from __future__ import annotations

import pytest
from support.dialog_app import SIZES, outside, showing
from support.waiting import until

from tui.dialogs.copy_text import CopyText
from tui.domain.text import has_unsafe

HOSTILE = "日本\x1b]0;PWNED\x07 [/red] é"
LARGEST = "x" * 75_000


@pytest.mark.parametrize("size", SIZES)
async def test_the_text_under_the_cursor_is_returned_unchanged(size: tuple[int, int]) -> None:
    choices = [("user", "Where is it?"), ("assistant", HOSTILE)]
    async with showing(CopyText(choices), size) as (app, pilot):
        assert not outside(app)
        assert not any(map(has_unsafe, app.screen_text().splitlines()))
        await pilot.press("down")
        assert "26 bytes" in app.screen_text()
        await pilot.press("enter")
        assert app.answers == [HOSTILE]


async def test_the_dialog_says_what_tmux_needs() -> None:
    async with showing(CopyText([("user", "Hello")])) as (app, pilot):
        await until(pilot, lambda: "set -g set-clipboard on" in app.screen_text())


async def test_a_text_that_terminals_would_cut_is_refused_with_the_reason() -> None:
    choices = [("row", LARGEST + "x"), ("assistant", LARGEST), ("user", "é" * 37_501)]
    async with showing(CopyText(choices)) as (app, pilot):
        await pilot.press("enter")
        assert app.open
        assert "75,001 bytes are too many" in app.screen_text()
        await pilot.press("down", "down", "enter")
        assert app.open
        assert "75,002 bytes are too many" in app.screen_text()
        await pilot.press("up", "enter")
        assert app.answers == [LARGEST]


async def test_a_lone_surrogate_is_counted_without_a_crash() -> None:
    async with showing(CopyText([("user", "\ud83d")])) as (app, pilot):
        await pilot.press("escape")
        assert app.answers == [None]
