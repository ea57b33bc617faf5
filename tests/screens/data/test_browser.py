"""Browsing rows on the Data screen: filter, sorting, columns, details, copying."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from support.data_screen import app_on, chat_text, headline, opened, problems, rows_shown, settled
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Input

from tui.dialogs.copy_text import CopyText
from tui.dialogs.data.choose_columns import ChooseColumns
from tui.dialogs.data.choose_format import ChooseFormat
from tui.dialogs.data.compare_with import CompareWith
from tui.dialogs.data.row_statistics import RowStatistics
from tui.domain.rows.filter import Order
from tui.services.datasets.datasets import Status
from tui.services.samples import sample_path
from tui.settings import Settings
from tui.widgets.data.statistics_view import StatisticsView
from tui.widgets.filter_line import FilterLine
from tui.widgets.line_table import LineTable

SIZES = [(80, 24), (120, 40)]
FLAWED = "tickets_flawed.jsonl"


async def type_filter(pilot: Pilot[None], query: str) -> None:
    await pilot.press("slash")
    pilot.app.screen.query_one(Input).value = query
    await pilot.press("enter")
    await settled(pilot)


async def test_a_filter_shows_matching_rows_and_esc_shows_all(
    settings: Settings,
) -> None:
    async with app_on(settings, FLAWED).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        every = len(screen.browser.rows)
        await pilot.press("slash", *"is:invalid", "enter")
        await settled(pilot)
        data, rows = screen.dataset, screen.browser.rows
        assert 0 < len(rows) < every
        assert {data.status(row) for row in rows} == {Status.INVALID}
        await pilot.press("slash", *" code:not-json", "enter")
        await settled(pilot)
        assert list(screen.browser.rows) == list(data.rows_with("not-json"))
        await pilot.press("escape")
        await settled(pilot)
        assert len(screen.browser.rows) == every
        assert screen.query_one(LineTable).has_focus


async def test_escape_within_the_filter_closes_it(settings: Settings) -> None:
    async with app_on(settings, FLAWED).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        every = len(screen.browser.rows)
        await pilot.press("slash", *"is:invalid")
        await settled(pilot)
        assert len(screen.browser.rows) < every
        await pilot.press("escape")
        await settled(pilot)
        assert len(screen.browser.rows) == every
        assert screen.query_one(LineTable).has_focus
        assert not screen.query_one(FilterLine).display


async def test_a_terminal_of_a_few_columns_is_survived_and_its_keys_do_nothing(
    settings: Settings,
) -> None:
    async with app_on(settings, FLAWED).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        for columns in (8, 3, 1):
            await pilot.resize_terminal(columns, 24)
            await pilot.press("x", "w")
            await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert screen.is_current
        assert not screen.dataset.edits
        assert screen.browser.display


async def test_an_invalid_filter_gets_a_suggestion(settings: Settings) -> None:
    app = app_on(settings, FLAWED)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("slash", *"is:invalit")
        await settled(pilot)
        assert "Did you mean is:invalid?" in str(screen.query_one("#filter-message").render())
        assert len(screen.browser.rows) == len(screen.dataset)
        assert screen.query_one(Input).has_focus


async def test_a_filter_without_matches_says_how_to_go_back(settings: Settings) -> None:
    async with app_on(settings, "tickets_train.jsonl").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await type_filter(pilot, "nobody wrote this")
        assert list(screen.browser.rows) == []
        assert problems(screen) == "No matching rows; esc shows all rows."
        await pilot.press("e", "f", "x", "y", "n", "J", "enter", "escape", "escape")
        await settled(pilot)
        assert len(screen.browser.rows) == 120
        assert not screen.dataset.edits


async def test_n_stays_within_the_filtered_rows(settings: Settings) -> None:
    async with app_on(settings, FLAWED).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await type_filter(pilot, "is:warned")
        rows = screen.browser.rows
        await pilot.press("g", "n")
        assert screen.browser.row == rows[1]
        await pilot.press("N")
        assert screen.browser.row == rows[0]


async def test_z_sorts_the_rows_and_marks_the_sort_column(settings: Settings) -> None:
    async with app_on(settings, FLAWED).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        data = screen.dataset
        await pilot.press("z")
        await settled(pilot)
        assert "problems ▾" in rows_shown(screen)[0]
        rows = list(screen.browser.rows)
        invalid = data.counts().invalid
        assert {data.status(row) for row in rows[:invalid]} == {Status.INVALID}
        await pilot.press("z")
        await settled(pilot)
        assert "tokens ▾" in rows_shown(screen)[0]
        tokens = [data.token_counts()[row] for row in screen.browser.rows]
        assert tokens == sorted(tokens, reverse=True)
        await pilot.press("Z")
        await settled(pilot)
        assert "tokens ▴" in rows_shown(screen)[0]
        tokens = [data.token_counts()[row] for row in screen.browser.rows]
        assert tokens == sorted(tokens)
        await pilot.press("z")
        await settled(pilot)
        lengths = [data.lengths()[row] for row in screen.browser.rows]
        assert lengths == sorted(lengths, reverse=True)
        await pilot.press("z")
        await settled(pilot)
        assert screen.browser.row_query.order is Order.LINE
        assert list(screen.browser.rows) == list(range(len(data)))


async def test_columns_are_hidden_and_shown(settings: Settings) -> None:
    app = app_on(settings, FLAWED)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        titles = ["line", "state", "problems", "turns", "tokens", "user", "assistant"]
        assert rows_shown(screen)[0].split() == titles
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ChooseColumns))
        await pilot.press("down", "down", "down", "space", "enter")
        await until(pilot, lambda: app.screen is screen)
        assert rows_shown(screen)[0].split() == [title for title in titles if title != "turns"]


@pytest.mark.parametrize("size", SIZES)
async def test_a_problem_is_shown_at_its_place_in_the_row(
    settings: Settings, size: tuple[int, int]
) -> None:
    async with app_on(settings, FLAWED).run_test(size=size) as pilot:
        screen = await opened(pilot)
        await type_filter(pilot, "code:empty-content")
        await pilot.press("enter")
        await settled(pilot)
        lines = chat_text(screen).splitlines()
        assert lines[0] == "user"
        assert lines[1].startswith("✗ empty-content  ")
        await pilot.press("J")
        await settled(pilot)
        lines = chat_text(screen).splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("✗ empty-content"))
        assert '"content": ""' in lines[at - 1] or '"content": " ' in lines[at - 1]
        await pilot.press("J")
        await settled(pilot)
        assert chat_text(screen).splitlines()[0] == "user"


async def test_the_character_where_a_row_stops_being_json_is_marked(settings: Settings) -> None:
    async with app_on(settings, FLAWED).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await type_filter(pilot, "code:not-json")
        assert '"content": ▸"{' in chat_text(screen)


async def test_a_part_of_a_row_is_copied_to_the_terminals_clipboard(
    settings: Settings,
) -> None:
    app = app_on(settings, "tickets_train.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CopyText))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert app.clipboard.encode() == screen.dataset.current_raw(0)
        assert base64.b64encode(app.clipboard.encode())
        message = next(iter(app._notifications)).message
        assert "518 characters sent to the terminal's clipboard" in message


async def test_a_row_that_is_too_large_for_the_clipboard_is_refused(
    settings: Settings,
) -> None:
    app = app_on(settings, "hostile.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press(*("j" for _ in range(8)))
        await until(pilot, lambda: screen.browser.detail is not None)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CopyText))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, CopyText)
        assert app.clipboard == ""


async def test_rows_of_a_validation_file_are_reported_as_leaked(
    settings: Settings, tmp_path: Path
) -> None:
    validation = tmp_path / "validation.jsonl"
    lines = sample_path("tickets_train.jsonl").read_bytes().splitlines(keepends=True)
    validation.write_bytes(b"".join(lines[3:6]))
    app = app_on(settings, "tickets_train.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, CompareWith))
        app.screen.query_one("#validation", Input).value = str(validation)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.dataset.counts().invalid == 3)
        await opened(pilot)
        assert "leaked-row" in rows_shown(screen)[4]
        await pilot.press("n")
        await settled(pilot)
        assert "also in the validation file, on line 1" in problems(screen)


async def test_a_missing_comparison_file_keeps_the_open_file(settings: Settings) -> None:
    app = app_on(settings, "tickets_train.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.others = (Path("/nowhere/v.jsonl"), None)
        screen.check_against(screen.dataset)
        await until(pilot, lambda: bool(app._notifications))
        assert "There is no file /nowhere/v.jsonl" in next(iter(app._notifications)).message
        assert len(screen.browser.rows) == 120


async def test_the_statistics_start_with_file_problems_and_the_price_of_a_run(
    settings: Settings,
) -> None:
    app = app_on(settings.model_copy(update={"model": "gpt-4.1-mini"}), FLAWED)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, RowStatistics))
        lines = [line.plain for line in app.screen.query_one(StatisticsView).lines]
        assert lines[0].startswith("✗ mixed-formats  Rows of another format than chat: 1 of 67")
        assert any(line.startswith("! several-system-prompts") for line in lines)
        assert any(
            line.startswith("– Price of a run: about $0.04 (gpt-4.1-mini)") for line in lines
        )


async def test_the_headline_names_container_and_compression(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [json.loads(line) for line in sample_path("tickets_train.jsonl").open()]
    path = tmp_path / "tickets.json.gz"
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))
    app = app_on(settings, path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert "tickets.json.gz · chat in a JSON array, gzip · 120 rows" in headline(screen)


async def test_a_file_can_be_read_as_another_format(settings: Settings) -> None:
    app = app_on(settings, "tickets_raw.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "· pairs ·" in headline(screen)
        assert app.loop.data.brief == "to convert"
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ChooseFormat))
        await pilot.press("g", "enter")
        await until(pilot, lambda: "· chat ·" in headline(screen))
        await opened(pilot)
        assert screen.dataset.counts().invalid == 120
