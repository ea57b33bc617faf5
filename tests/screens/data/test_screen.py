"""The Data screen by keyboard, at two sizes."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from support.data_screen import app_on, chat_text, opened, problems, rows_shown, settled
from support.screens import text
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

import tui.screens.data.opening as data_file
import tui.services.checking.dataset_check as dataset_check
from tui.app import FtuiApp
from tui.dialogs.open_file import OpenFile
from tui.domain.text import has_unsafe
from tui.domain.tone import Tone
from tui.screens.data.screen import DataScreen
from tui.services.samples import sample_path
from tui.settings import Settings
from tui.widgets.data.row_view import ChatView
from tui.widgets.line_table import LineTable

SIZES = [(80, 24), (120, 40)]


def painted_text(app: FtuiApp) -> str:
    """The text of a screenshot of the whole terminal."""
    return html.unescape(re.sub(r"<[^>]*>", "", app.export_screenshot().partition("</style>")[2]))


@pytest.mark.parametrize("size", SIZES)
async def test_the_sample_data_is_one_key_away(settings: Settings, size: tuple[int, int]) -> None:
    app = app_on(settings, None)
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        screen = await settled(pilot)
        assert app.loop.data.label == "no file"
        assert "open the sample data" in text(screen, "#state")
        await pilot.press("m")
        screen = await opened(pilot)
        assert app.loop.data.label == "120 valid"
        assert app.loop.data.tone is Tone.GOOD
        assert "tickets_train.jsonl · chat · 120 rows, 0 invalid" in text(screen, "#headline")
        assert rows_shown(screen)[1].startswith("▸       1 ✓ ok")


@pytest.mark.parametrize("size", SIZES)
async def test_n_goes_to_each_row_with_problems_and_shows_its_fix(
    settings: Settings, size: tuple[int, int]
) -> None:
    app = app_on(settings, "tickets_flawed.jsonl")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        assert app.loop.data.label == "33 invalid of 67"
        assert app.loop.data.brief == "33 invalid"
        table = screen.query_one(LineTable)
        await pilot.press("n")
        assert table.cursor == 3
        await pilot.press("n", "n")
        await settled(pilot)
        assert table.cursor == 5
        assert problems(screen).startswith("1 of 2: line 6 ✗ not-a-number")
        assert "Fix: Replace it with a number" in problems(screen)
        await pilot.press("N")
        assert table.cursor == 4
        await pilot.press("G", "n")
        assert table.cursor == table.row_count - 1
        await pilot.press("N")
        last_problem = table.cursor
        assert last_problem < table.row_count - 1
        await pilot.press("n")
        assert table.cursor == last_problem
        await pilot.press("g", "j", "k")
        await settled(pilot)
        assert problems(screen) == "line 1 ✓ ok"


async def test_a_headline_that_does_not_fit_ends_in_an_ellipsis(settings: Settings) -> None:
    app = app_on(settings, "tickets_flawed.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert text(screen, "#headline").endswith("(pairs on line 12). …")
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert text(screen, "#headline").endswith("The rows have 3 different system prompts.")


async def test_a_large_file_is_checked_by_other_processes_while_the_app_holds_the_terminal(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_check, "SMALL", 1000)
    app = app_on(settings, "tickets_train.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert app.loop.data.label == "120 valid"


@pytest.mark.long
async def test_a_check_can_be_stopped_and_restarted(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(sample_path("tickets_train.jsonl").read_bytes() * 400)
    app = app_on(settings, path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await stopped(pilot)
        assert screen.dataset is not None
        assert screen.dataset.report is None
        assert "The check was stopped" in text(screen, "#progress")
        assert app.loop.data.label == "check stopped"
        assert screen.disabled_reason("write") == "The check was stopped: r restarts it."
        assert screen.disabled_reason("back") == "Nothing to go back to: all rows are shown."
        await pilot.press("r")
        await opened(pilot)
        assert screen.dataset.report is not None


async def stopped(pilot: Pilot[None]) -> DataScreen:
    """Press esc as soon as the first rows are there."""
    await until(
        pilot, lambda: isinstance(pilot.app.screen, DataScreen) and pilot.app.screen.checking
    )
    await pilot.press("escape")
    screen = pilot.app.screen
    assert isinstance(screen, DataScreen)
    return screen


async def test_at_80_columns_the_conversation_opens_over_the_table(settings: Settings) -> None:
    async with app_on(settings, "tickets_train.jsonl").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        chat, table = screen.query_one(ChatView), screen.query_one(LineTable)
        assert not chat.display
        await pilot.press("down", "enter")
        await settled(pilot)
        assert chat.display
        assert not table.display
        assert "assistant\n{" in chat_text(screen)
        await pilot.press("escape")
        await settled(pilot)
        assert table.display
        assert table.has_focus
        assert table.cursor == 1


async def test_at_120_columns_the_conversation_follows_the_cursor(settings: Settings) -> None:
    async with app_on(settings, "tickets_train.jsonl").run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert screen.query_one(ChatView).display
        conversations = set()
        for _ in range(3):
            await pilot.press("j")
            await settled(pilot)
            conversations.add(chat_text(screen))
        assert len(conversations) == 3


@pytest.mark.parametrize("size", SIZES)
async def test_the_hostile_file_sends_no_control_character_to_the_terminal(
    settings: Settings, size: tuple[int, int]
) -> None:
    app = app_on(settings, "hostile.jsonl")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        painted = [painted_text(app)]
        for _ in range(16):
            keys = ("enter", "escape") if size[0] < 100 else ()  # the row in full stands beside
            await pilot.press(*keys[:1])
            await settled(pilot)
            painted.append(painted_text(app))
            await pilot.press(*keys[1:], "j")
        assert screen.query_one(LineTable).cursor == 15
        assert any("[red]this[/red]" in line for line in painted)
        assert any("日本語" in line for line in painted)
        assert not any(has_unsafe(line) for line in painted)


@pytest.mark.parametrize("size", SIZES)
async def test_an_unopenable_file_is_reported_with_alternatives(
    settings: Settings, size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "tickets.jsonl"
    app = app_on(settings, path)
    async with app.run_test(size=size) as pilot:
        screen = await settled(pilot)
        assert screen.has_class("-error")
        assert "There is no file" in text(screen, "#state")
        assert app.loop.data.tone is Tone.BAD
        path.write_bytes(sample_path("tickets_train.jsonl").read_bytes())
        await pilot.press("r")
        await opened(pilot)
        assert app.loop.data.label == "120 valid"
        path.write_bytes(b"\n")
        await pilot.press("r")
        await until(pilot, lambda: screen.has_class("-error"))
        assert "has no rows" in text(screen, "#state")


async def test_a_file_that_changed_on_disk_is_reported(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(sample_path("tickets_train.jsonl").read_bytes())
    async with app_on(settings, path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        path.write_bytes(b"{}\n")
        await pilot.press("G")
        await settled(pilot)
        assert "changed on disk" in text(screen, "#progress")
        assert screen.query_one(LineTable).row_count == 120


async def test_a_change_on_disk_is_noticed_without_a_key(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_file, "_POLL_INTERVAL", 0.05)
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(sample_path("tickets_train.jsonl").read_bytes())
    async with app_on(settings, path).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.pause(0.2)
        assert text(screen, "#progress") == ""
        (tmp_path / "new").write_bytes(path.read_bytes())
        (tmp_path / "new").replace(path)
        await until(pilot, lambda: "changed on disk" in text(screen, "#progress"))


async def test_a_file_is_chosen_by_typing_or_from_the_list(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "[red]tickets.jsonl").write_bytes(sample_path("tickets_train.jsonl").read_bytes())
    app = app_on(settings, None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("o")
        await pilot.pause(0.2)
        assert isinstance(app.screen, OpenFile)
        app.screen.query_one(Input).value = f"{tmp_path}/da"
        await pilot.pause(0.3)
        await pilot.press("tab")
        await pilot.pause(0.3)
        assert app.screen.query_one(Input).value == f"{folder}/"
        assert app.screen.query_one(OptionList).option_count == 1
        await pilot.press("down", "enter")
        await pilot.pause(0.2)
        screen = await opened(pilot)
        assert text(screen, "#headline").startswith("[red]tickets.jsonl · chat · 120 rows,")
