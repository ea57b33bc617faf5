"""Choosing the validation and test file, by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.dialog_app import SIZES, DialogApp, outside, showing
from textual.pilot import Pilot
from textual.widgets import Input

from tui.dialogs.data.compare_with import CompareWith
from tui.domain.text import has_unsafe


async def press_and_wait(app: DialogApp[object], pilot: Pilot[None], *keys: str) -> None:
    """Press keys and wait until the files are checked."""
    await pilot.press(*keys)
    await app.workers.wait_for_complete(list(app.dialog.workers))
    await pilot.pause()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    validation, test = tmp_path / "validation.jsonl", tmp_path / "test.jsonl"
    validation.write_text("{}\n")
    test.write_text("{}\n")
    return validation, test


@pytest.mark.parametrize("size", SIZES)
async def test_typed_paths_are_returned(size: tuple[int, int], files: tuple[Path, Path]) -> None:
    async with showing(CompareWith(), size) as (app, pilot):
        assert not outside(app)
        validation, test = app.dialog.query(Input)
        validation.value = str(files[0])
        await pilot.press("enter")
        test.value = str(files[1])
        await press_and_wait(app, pilot, "enter")
        assert app.answers == [files]


async def test_files_of_the_last_comparison_can_be_removed(
    files: tuple[Path, Path],
) -> None:
    async with showing(CompareWith(*files)) as (app, pilot):
        app.dialog.query_one("#test", Input).clear()
        await press_and_wait(app, pilot, "ctrl+s")
        assert app.answers == [(files[0], None)]


async def test_an_unreadable_file_is_reported_in_place(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    async with showing(CompareWith(files[0], tmp_path / "none.jsonl")) as (app, pilot):
        await press_and_wait(app, pilot, "ctrl+s")
        assert app.open
        assert "There is no file" in app.static_text("#compare-with-message")
        field = app.dialog.query_one("#test", Input)
        assert field.has_focus
        assert field.value.endswith("none.jsonl")
        field.value = str(tmp_path)
        await press_and_wait(app, pilot, "ctrl+s")
        assert "is a folder" in app.static_text("#compare-with-message")
        field.value = str(files[0])
        await press_and_wait(app, pilot, "ctrl+s")
        assert "are the same" in app.static_text("#compare-with-message")
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_hostile_file_name_is_shown_scrubbed_and_returned_unchanged(
    tmp_path: Path,
) -> None:
    evil = tmp_path / "\x1b]0;PWNED\x07[red].jsonl"
    evil.write_text("{}\n")
    async with showing(CompareWith(evil)) as (app, pilot):
        assert not any(map(has_unsafe, app.screen_text().splitlines()))
        await press_and_wait(app, pilot, "ctrl+s")
        assert app.answers == [(evil, None)]


async def test_a_path_is_completed_by_the_right_arrow(files: tuple[Path, Path]) -> None:
    async with showing(CompareWith()) as (app, pilot):
        field = app.dialog.query_one("#validation", Input)
        field.value = str(files[0])[:-7]
        for _ in range(50):
            await pilot.pause(0.01)
            if "jsonl" in app.screen_text():
                break
        await pilot.press("right")
        assert field.value == str(files[0])
