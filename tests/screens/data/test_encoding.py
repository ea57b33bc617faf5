"""Files in other encodings on the Data screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.data_screen import app_on, chat_text, headline, opened, settled
from support.sample_rows import chat_row
from support.waiting import until

from tui.app import FtuiApp
from tui.dialogs.data.choose_format import ChooseFormat
from tui.domain.rows.problems import KINDS
from tui.services.container import Services
from tui.settings import Settings
from tui.widgets.line_table import LineTable

SIZES = [(80, 24), (120, 40)]
ANSWER = "Près de l’hôtel – à gauche, au café."


def write(path: Path, encoding: str, *, table: bool = False) -> Path:
    if table:
        lines = "input,ideal_output\n" + f'"Où ?","{ANSWER}"\n' * 12
    else:
        rows = (chat_row(f"Question {number} ?", ANSWER) for number in range(12))
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(lines.encode(encoding))
    return path


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("size", SIZES)
async def test_the_named_encoding_is_under_the_cursor_of_read_as(
    settings: Settings, tmp_path: Path, size: tuple[int, int], table: bool
) -> None:
    app = app_on(settings, write(tmp_path / "a.jsonl", "cp1252", table=table))
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        assert "The file is not UTF-8; it reads as cp1252." in headline(screen)
        assert screen.dataset.counts().invalid == 12
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ChooseFormat))
        table_of_choices = app.screen.query_one(LineTable)
        line = table_of_choices.render_line(table_of_choices.cursor + 1).text
        assert "cp1252" in line
        assert "it reads as this" in line
        await pilot.press("enter")
        await until(pilot, lambda: "cp1252 · " in headline(screen))
        await opened(pilot)
        assert screen.dataset.counts().invalid == 0
        await pilot.press("enter")
        await settled(pilot)
        assert ANSWER in " ".join(chat_text(screen).split())
        await pilot.press("escape", "r")
        await pilot.pause(0.1)
        await opened(pilot)
        assert screen.dataset.encoding == "cp1252"


async def test_the_app_opens_a_file_in_the_given_encoding(
    settings: Settings, tmp_path: Path
) -> None:
    app = FtuiApp(Services(settings), write(tmp_path / "a.jsonl", "cp1252"), "cp1252")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "a.jsonl · chat, cp1252 · 12 rows" in headline(screen)
        assert screen.dataset.counts().invalid == 0


async def test_the_format_can_be_chosen_in_the_encoding(settings: Settings, tmp_path: Path) -> None:
    app = app_on(settings, write(tmp_path / "a.jsonl", "utf-16"))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "a.jsonl · chat, UTF-16 · 12 rows" in headline(screen)
        assert "write it as UTF-8 first (w)" in (screen.disabled_reason("train") or "")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ChooseFormat))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "· chat," not in headline(screen))
        await opened(pilot)
        assert screen.dataset.encoding == "utf-16-le"
        assert screen.dataset.format != "chat"


async def test_a_wrong_encoding_is_explained_and_r_reads_the_file_as_before(
    settings: Settings, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.jsonl", "cp1252")
    app = app_on(settings, path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.open_file(path, None, "gbk")
        await until(pilot, lambda: "cannot be shown" in headline(screen))
        await pilot.press("r")
        await until(pilot, lambda: "it reads as cp1252" in headline(screen))


@pytest.mark.parametrize("mixed", [False, True])
async def test_i_offers_encodings_where_the_fix_of_a_row_that_is_not_utf_8_says_so(
    settings: Settings, tmp_path: Path, mixed: bool
) -> None:
    path = write(tmp_path / "a.jsonl", "cp1252")
    if mixed:
        row = json.dumps(chat_row("Où ?", ANSWER), ensure_ascii=False)
        path.write_bytes(path.read_bytes() + row.encode())
    fix = KINDS["not-utf8"].fix
    assert "If all of it is in another encoding" in fix
    assert "i on the screen" in fix
    app = app_on(settings, path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ChooseFormat))
        shown = app.screen.query_one(LineTable)
        text = "\n".join(shown.render_line(y).text for y in range(shown.size.height))
        assert ("cp1252" in text) is not mixed


async def test_a_file_in_utf_8_is_offered_formats_only(settings: Settings) -> None:
    app = app_on(settings, "tickets_raw.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ChooseFormat))
        shown = app.screen.query_one(LineTable)
        text = "\n".join(shown.render_line(y).text for y in range(shown.size.height))
        assert "alpaca" in text
        assert "encoding of the text" not in text
