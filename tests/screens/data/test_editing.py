"""Editing rows on the Data screen by keyboard, from a flawed file to a clean one."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from support.data_screen import app_on, headline, opened, problems, rows_shown, settled
from support.sample_rows import good_rows
from support.waiting import until
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tui.app import FtuiApp
from tui.cli import main
from tui.dialogs.confirm import Confirm
from tui.dialogs.data.fix_preview import FixPreview
from tui.dialogs.data.pending_changes import PendingChanges
from tui.dialogs.data.write_file import WriteFile
from tui.screens.data.screen import DataScreen
from tui.services.samples import sample_path
from tui.settings import Settings
from tui.widgets.check_list import CheckList
from tui.widgets.line_table import LineTable


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    path = tmp_path / "tickets_flawed.jsonl"
    path.write_bytes(sample_path("tickets_flawed.jsonl").read_bytes())
    return path


async def typed(pilot: Pilot[None], query: str) -> None:
    """Filter the rows."""
    await pilot.press("slash")
    pilot.app.screen.query_one(Input).value = query
    await pilot.press("enter")
    await settled(pilot)


async def dialog(pilot: Pilot[None], kind: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.long
async def test_a_flawed_file_becomes_a_clean_one_by_keyboard_alone(
    settings: Settings, flawed: Path, size: tuple[int, int]
) -> None:
    source = flawed.read_bytes()
    app = app_on(settings, flawed)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        invalid = screen.dataset.counts().invalid

        await pilot.press("n", "n", "n", "n", "f")  # line 7: half a surrogate pair
        await dialog(pilot, FixPreview)
        await pilot.press("enter")
        await until(pilot, lambda: screen.dataset.counts().invalid == invalid - 1)
        assert screen.dataset.counts().edited == 1
        assert "1 edited" in headline(screen)

        await pilot.press("F")  # every row of one kind
        await dialog(pilot, FixPreview)
        await pilot.press("enter")
        await until(pilot, lambda: len(screen.dataset.edits.steps) == 2)

        await pilot.press("F", "a")  # and whatever else is certain
        await until(pilot, lambda: not screen.dataset.rows_with("outer-whitespace"))
        await settled(pilot)
        assert len(screen.dataset.edits.steps) > 10
        assert not screen.dataset.rows_with("duplicate-row")
        await pilot.press("F")  # what is left would remove something that somebody wrote
        await dialog(pilot, FixPreview)
        steps = len(screen.dataset.edits.steps)
        await pilot.press("a", "escape")
        await settled(pilot)
        assert len(screen.dataset.edits.steps) == steps

        await typed(pilot, "is:invalid")
        invalid_rows = screen.dataset.counts().invalid
        assert len(screen.browser.rows) == invalid_rows
        await pilot.press("X")  # exclude what cannot be fixed
        await until(pilot, lambda: screen.dataset.counts().invalid == 0)
        assert screen.dataset.counts().excluded >= invalid_rows
        assert "another format" not in headline(screen)  # of which no row is left
        await pilot.press("escape", "v")
        await dialog(pilot, PendingChanges)
        await pilot.press("escape")
        assert flawed.read_bytes() == source

        await pilot.press("w")
        await dialog(pilot, WriteFile)
        app.screen.query_one(CheckList).focus()
        await pilot.press("plus", "ctrl+s")  # leave out what is warned of, too
        await until(pilot, lambda: "clean" in headline(screen))
        screen = await opened(pilot)
        assert screen.dataset.counts().invalid == screen.dataset.counts().warned == 0
        assert not screen.dataset.edits
        await pilot.press("t")
        await until(pilot, lambda: app.current_mode == "jobs")

    assert flawed.read_bytes() == source
    clean = flawed.with_name("tickets_flawed.clean.jsonl")
    assert await asyncio.to_thread(main, ["check", str(clean)]) == 0
    manifest = json.loads(clean.with_suffix(".manifest.json").read_text())
    assert manifest["edits"]
    rejected = clean.with_suffix(".rejected.jsonl").read_text().splitlines()
    clean_rows = clean.read_text().splitlines()
    assert len(rejected) + len(clean_rows) == len(source.splitlines())


async def test_undo_and_redo_work_over_any_number_of_steps(
    settings: Settings, flawed: Path
) -> None:
    async with app_on(settings, flawed).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        before = screen.dataset.counts()
        for _ in range(5):
            await pilot.press("x", "j")
        await until(pilot, lambda: screen.dataset.counts().excluded == 5)
        assert "5 excluded" in headline(screen)
        assert "■ excluded" in rows_shown(screen)[1]
        await pilot.press(*("u" for _ in range(5)))
        await until(pilot, lambda: screen.dataset.counts() == before)
        await pilot.press("u")
        assert screen.disabled_reason("undo") == "There are no changes yet."
        await pilot.press("ctrl+r", "ctrl+r")
        await until(pilot, lambda: screen.dataset.counts().excluded == 2)
        await settled(pilot)
        assert [note.message for note in screen.app._notifications] == [
            "Redone: exclude line 2 (1 row)"
        ]
        await pilot.press("v")
        await dialog(pilot, PendingChanges)
        assert not screen.app._notifications  # they would lie over the dialog
        await pilot.press("escape")
        await pilot.press("g", "x")
        await until(pilot, lambda: screen.dataset.counts().excluded == 1)
        assert screen.disabled_reason("redo") == "There is nothing to redo."


async def test_the_loop_bar_counts_the_rows_that_remain(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    kto = {"prompt": "Where is it?", "completion": "On its way to you.", "label": True}
    path.write_text("".join(json.dumps(row) + "\n" for row in [*good_rows(11), kto]))
    app = app_on(settings, path)
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        assert app.loop.data.label == "1 invalid of 12"
        assert "another format than chat: 1 of 12 (kto on line 12)" in headline(screen)
        await pilot.press("n", "x")
        await until(pilot, lambda: app.loop.data.label == "11 valid")
        assert "another format" not in headline(screen)
        await pilot.press("g", "x", "j", "x")
        await until(pilot, lambda: app.loop.data.label == "9 rows, too few")
        assert "The file has 9 examples" in headline(screen)
        await pilot.press("u")
        await until(pilot, lambda: app.loop.data.label == "10 valid")


async def test_a_format_that_cannot_be_trained_on_is_not_called_too_small(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "kto.jsonl"
    row = {"prompt": "Where is it?", "completion": "On its way to you.", "label": True}
    path.write_text(f"{json.dumps(row)}\n" * 20)
    app = app_on(settings, path)
    async with app.run_test() as pilot:
        screen = await opened(pilot)
        assert app.loop.data.label == "20 rows, not usable"
        assert "(KTO)" in headline(screen)


async def test_an_excluded_row_says_how_to_restore_it(settings: Settings, flawed: Path) -> None:
    async with app_on(settings, flawed).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("n", "x")
        await until(pilot, lambda: "■ excluded" in problems(screen))
        assert "x restores it" in problems(screen)
        assert "not-utf8" in problems(screen)


@pytest.mark.parametrize("keys", [["q"], ["ctrl+q"], ["o"], ["m"], ["r"]])
async def test_unwritten_changes_are_discarded_only_after_a_question(
    settings: Settings, flawed: Path, keys: list[str]
) -> None:
    app = app_on(settings, flawed)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("x")
        await until(pilot, lambda: screen.dataset.counts().excluded == 1)
        await pilot.press(*keys)
        if keys == ["o"]:
            await pilot.pause(0.1)
            app.screen.query_one(Input).value = str(sample_path("tickets_train.jsonl"))
            await pilot.press("enter")
        await dialog(pilot, Confirm)
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert app.is_running
        assert screen.dataset.counts().excluded == 1
        await pilot.press("r")
        await dialog(pilot, Confirm)
        await pilot.press("y")
        await until(pilot, lambda: not screen.dataset.edits)


async def test_training_offers_to_write_pending_changes_first(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(sample_path("tickets_train.jsonl").read_bytes())
    app = app_on(settings, path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("x")
        await until(pilot, lambda: screen.dataset.counts().excluded == 1)
        await pilot.press("t")
        await dialog(pilot, Confirm)
        await pilot.press("y")
        await dialog(pilot, WriteFile)
        app.screen.query_one("#validation", Input).value = "10%"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.current_mode == "jobs")
        await until(pilot, lambda: bool(app.screen.query("#validation_file")))
        offered = app.screen.query_one("#validation_file", Input).value
        assert offered.endswith("tickets.clean.validation.jsonl")
        assert len((tmp_path / "tickets.clean.jsonl").read_text().splitlines()) == 107


async def test_overwriting_files_asks_first(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(sample_path("tickets_train.jsonl").read_bytes())
    there = tmp_path / "tickets.clean.jsonl"
    there.write_text("mine")
    async with app_on(settings, path).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("w")
        await dialog(pilot, WriteFile)
        await pilot.press("ctrl+s")
        await dialog(pilot, Confirm)
        await pilot.press("n")
        await dialog(pilot, WriteFile)
        assert there.read_text() == "mine"
        await pilot.press("ctrl+s")
        await dialog(pilot, Confirm)
        await pilot.press("y")
        await until(pilot, lambda: there.read_text() != "mine")
        await until(pilot, lambda: "tickets.clean.jsonl" in headline(screen_of(pilot)))


async def test_a_failed_write_reopens_the_dialog_with_the_reason(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "same.jsonl"
    path.write_text(f"{json.dumps(good_rows(1)[0])}\n" * 12)
    async with app_on(settings, path).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("w")
        await dialog(pilot, WriteFile)
        pilot.app.screen.query_one("#validation", Input).value = "50%"
        await pilot.press("ctrl+s")

        def message() -> str:
            return str(pilot.app.screen.query_one("#write-file-message", Static).render())

        await until(
            pilot,
            lambda: isinstance(pilot.app.screen, WriteFile) and "too few distinct" in message(),
        )
        assert pilot.app.screen.query_one("#validation", Input).value == "50%"
        pilot.app.screen.query_one("#validation", Input).value = ""
        await until(pilot, lambda: "12 rows for training" in message())
        assert [path.name for path in tmp_path.iterdir()] == ["same.jsonl"]


def screen_of(pilot: Pilot[None]) -> DataScreen:
    assert isinstance(pilot.app, FtuiApp)
    screen = pilot.app.screen
    assert isinstance(screen, DataScreen)
    return screen


def an_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str) -> Path:
    """Set `$EDITOR` to a program that changes its file this way and counts its runs."""
    script, runs = tmp_path / "editor.py", tmp_path / "runs"
    script.write_text(
        "import sys, pathlib\n"
        f"runs = pathlib.Path({str(runs)!r})\n"
        "runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        "count = len(runs.read_text())\n"
        "path = pathlib.Path(sys.argv[1]); text = path.read_text()\n"
        f"path.write_text({work})\n"
    )
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    # The pilot's terminal cannot be lent; this editor does not want it.
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
    return runs


async def test_a_row_edited_in_the_editor_is_checked_again(
    settings: Settings, flawed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_editor(
        tmp_path, monkeypatch, "text + ']}' if count > 9 else text.replace('bot', 'assistant')"
    )
    async with app_on(settings, flawed).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await typed(pilot, "code:unknown-role")
        row = screen.browser.row
        assert row is not None
        await pilot.press("e")
        await until(pilot, lambda: bool(screen.dataset.edits))
        assert "unknown-role" not in screen.dataset.codes(row)
        assert [step.description for step in screen.dataset.edits.steps] == [
            f"edit line {screen.dataset.line(row)}"
        ]


async def test_a_refused_edit_can_be_edited_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(sample_path("tickets_train.jsonl").read_bytes())
    work = "text + 'oops' if count == 1 else text.removesuffix('oops').replace('Hi team', 'Hello')"
    runs = an_editor(tmp_path, monkeypatch, work)
    app = app_on(settings, path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("e")
        await dialog(pilot, Confirm)
        await pilot.press("n")  # edit it again
        await until(pilot, lambda: bool(screen.dataset.edits))
        assert runs.read_text() == "xx"
        assert b"Hello" in screen.dataset.current_raw(0)
        assert b"oops" not in screen.dataset.current_raw(0)
        assert "✓ edited" in rows_shown(screen)[1]


async def test_a_missing_editor_is_reported_with_a_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    app = app_on(settings, "tickets_train.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("e")
        await until(pilot, lambda: bool(app._notifications))
        assert "export EDITOR=" in next(iter(app._notifications)).message
        assert not screen.dataset.edits


async def test_a_row_without_a_certain_fix_gets_other_suggestions(
    settings: Settings, flawed: Path
) -> None:
    app = app_on(settings, flawed)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("f")
        await until(pilot, lambda: bool(app._notifications))
        message = next(iter(app._notifications)).message
        assert message == "Line 1 has no problem. Edit it (e) or exclude it (x)."
        assert screen.query_one(LineTable).has_focus


async def test_a_clean_file_has_nothing_to_fix(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "clean.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good_rows(12)))
    app = app_on(settings, path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("F")
        await until(pilot, lambda: bool(app._notifications))
        message = next(iter(app._notifications)).message
        assert message == "No row has a problem. Edit rows (e) or exclude them (x)."
