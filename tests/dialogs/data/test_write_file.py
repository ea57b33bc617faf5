"""The dialog for writing a file: name, split, rejected rows, and errors in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.dialog_app import SIZES, DialogApp, outside, showing
from textual.pilot import Pilot
from textual.widgets import Input

from tui.dialogs.data.write_file import WriteFile
from tui.domain.rows.formats import Format
from tui.domain.text import has_unsafe
from tui.services.checking.findings import Counts
from tui.services.writing.write_request import LOW_QUALITY, WriteRequest

COUNTS = Counts(rows=120, valid=110, invalid=8, warned=40, duplicates=3, excluded=2, edited=5)
NONE_GOOD = Counts(rows=8, valid=0, invalid=8, warned=0, duplicates=0, excluded=0, edited=0)
QUALITY = {"refusal": 10, "output-too-short": 4, "duplicate-row": 3, "empty-system": 20}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.jsonl"
    path.write_text("{}\n")
    return path


def dialog(
    source: Path,
    kind: Format = Format.CHAT,
    quality: Mapping[str, int] = QUALITY,
    **more: Any,
) -> WriteFile:
    return WriteFile(source, kind, COUNTS, quality, source.with_name("tickets.chat.jsonl"), **more)


async def pressed(app: DialogApp[Any], pilot: Pilot[None], *keys: str) -> None:
    """Press keys and wait until the path is checked."""
    await pilot.press(*keys)
    await app.workers.wait_for_complete(list(app.dialog.workers))
    await pilot.pause()


def message(app: DialogApp[Any]) -> str:
    return app.static_text("#write-file-message")


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_written_by_keyboard_alone(size: tuple[int, int], source: Path) -> None:
    async with showing(dialog(source), size) as (app, pilot):
        assert not outside(app)
        assert message(app).startswith("110 rows for training, 10 rejected")
        await pilot.press("enter", *"Hi", "enter", *"10%", "enter", *"0.2", "enter")
        await pilot.press("enter")  # the seed stays; then the list, which begins with the most
        await pilot.press("down", "space")
        assert message(app).startswith(
            "About 70 rows for training, 10 for validation, 20 for testing, 20 rejected"
        )
        await pressed(app, pilot, "ctrl+s")
        assert app.answers == [
            WriteRequest(
                out=source.with_name("tickets.chat.jsonl"),
                system="Hi",
                validation=0.1,
                test=0.2,
                seed=7,
                leave_out=frozenset({"refusal"}),
            )
        ]


async def test_converted_rows_leave_out_low_quality_by_default(source: Path) -> None:
    async with showing(dialog(source, Format.PAIRS)) as (app, pilot):
        await pressed(app, pilot, "ctrl+s")
        (request,) = app.answers
        assert request.leave_out == {"refusal", "output-too-short"} <= LOW_QUALITY


WRONG = [
    ("validation", "10", "Validation: 10 is not a share of the rows; enter 10% or 0.1."),
    ("test", "-1%", "Test: -1% is not a share"),
    ("test", "nan", "Test: nan is not a share"),
    ("test", "100%", "Test: 100% is not a share"),
    ("seed", "x7", "Seed: x7 is not a whole number."),
    ("out", "", "Enter a name for the new file."),
    ("out", "data/", "Enter the name of a file in this folder."),
    ("out", "/", "Enter the name of a file in this folder."),
]


async def test_invalid_input_is_reported_in_place(source: Path) -> None:
    async with showing(dialog(source)) as (app, pilot):
        for name, typed, reason in WRONG:
            field = app.dialog.query_one(f"#{name}", Input)
            before, field.value = field.value, typed
            await pressed(app, pilot, "ctrl+s")
            assert app.open
            assert message(app).startswith("✗ " + reason)
            assert field.value == typed
            field.value = before
        await pressed(app, pilot, "ctrl+s")
        assert not app.open


async def test_a_split_without_training_rows_is_refused(source: Path) -> None:
    async with showing(dialog(source)) as (app, pilot):
        app.dialog.query_one("#validation", Input).value = "50%"
        app.dialog.query_one("#test", Input).value = "0.5"
        await pressed(app, pilot, "ctrl+s")
        assert app.open
        assert "must be less than 1" in message(app)


async def test_the_source_and_folders_are_never_written_to(source: Path) -> None:
    link = source.with_name("link.jsonl")
    link.symlink_to(source)
    async with showing(dialog(source)) as (app, pilot):
        for path, reason in [
            (source, "is the source file"),
            (link, "is the source file"),
            (source.parent, "is a folder"),
        ]:
            app.dialog.query_one("#out", Input).value = str(path)
            await pressed(app, pilot, "ctrl+s")
            assert app.open
            assert reason in message(app)


async def test_an_existing_file_is_reported_before_writing(source: Path) -> None:
    existing = source.with_name("existing.jsonl")
    existing.write_text("{}\n")
    async with showing(dialog(source)) as (app, pilot):
        assert "exists" not in message(app)
        app.dialog.query_one("#out", Input).value = str(existing)
        await pressed(app, pilot)
        assert "The file exists: you will be asked first." in message(app)
        await pressed(app, pilot, "ctrl+s")
        (request,) = app.answers
        assert request.out == existing
        assert not request.replace


async def test_the_dialog_reopens_with_the_values_of_a_failed_request(source: Path) -> None:
    failed = WriteRequest(
        out=Path("/full/disk.jsonl"),
        system="Be brief.",
        validation=0.25,
        seed=3,
        leave_out=frozenset({"empty-system"}),
    )
    async with showing(dialog(source, request=failed)) as (app, pilot):
        await pressed(app, pilot, "ctrl+s")
        assert app.answers == [failed]


async def test_a_file_without_warnings_has_no_list_of_warnings(source: Path) -> None:
    async with showing(dialog(source, quality={})) as (app, pilot):
        assert "leave out" not in app.screen_text()
        assert "space" not in app.screen_text()
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_file_without_valid_rows_is_not_written(source: Path) -> None:
    dialog_without_rows = WriteFile(
        source, Format.CHAT, NONE_GOOD, {}, source.with_name("new.jsonl")
    )
    async with showing(dialog_without_rows) as (app, pilot):
        await pressed(app, pilot, "ctrl+s")
        assert app.open
        assert "The file has no valid rows" in message(app)


async def test_hostile_file_names_are_shown_scrubbed_and_returned_unchanged(tmp_path: Path) -> None:
    evil = tmp_path / "\x1b]0;PWNED\x07[red].jsonl"
    evil.write_text("{}\n")
    form = WriteFile(evil, Format.CHAT, COUNTS, {}, evil.with_suffix(".chat.jsonl"))
    async with showing(form) as (app, pilot):
        assert not any(map(has_unsafe, app.screen_text().splitlines()))
        await pressed(app, pilot, "ctrl+s")
        (request,) = app.answers
        assert request.out == evil.with_suffix(".chat.jsonl")
