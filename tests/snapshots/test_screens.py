"""Pictures of the screens at 80x24 and 120x40: a change that nobody meant to make shows here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.data_screen import opened
from support.snapshots import SvgSnapshot
from support.waiting import until
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Static

from tui.app import FtuiApp
from tui.services.container import Services
from tui.services.samples import sample_path
from tui.settings import Settings
from tui.widgets.key_footer import KeyFooter

SIZES = [(80, 24), (120, 40)]


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(SvgSnapshot)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FtuiApp:
    """The app in an empty folder, its pictures free of paths of the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    app = FtuiApp(Services(Settings(home=Path("home"), workspace=Path(".ftui"))))
    app.animation_level = "none"
    return app


async def picture_of(pilot: Pilot[None]) -> str:
    """The screen once its footer is shown and it has settled."""
    app = pilot.app
    await until(pilot, lambda: bool(app.screen.query(KeyFooter)) or app.screen.is_modal)
    await app.workers.wait_for_complete()
    await pilot.pause(0.1)
    return app.export_screenshot(title="ftui")


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("key", ["1", "2", "3", "4"], ids=["decide", "data", "jobs", "evaluate"])
async def test_a_step_before_anything_was_done(
    app: FtuiApp, picture: SnapshotAssertion, key: str, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        assert await picture_of(pilot) == picture


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
async def test_a_flawed_file_with_its_problems_in_place(
    app: FtuiApp, picture: SnapshotAssertion, size: tuple[int, int]
) -> None:
    shutil.copy(sample_path("tickets_flawed.jsonl"), "tickets.jsonl")
    app = FtuiApp(app.services, Path("tickets.jsonl"))
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press("n", "n", "n")
        assert await picture_of(pilot) == picture


async def test_the_help_of_a_screen(app: FtuiApp, picture: SnapshotAssertion) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await picture_of(pilot)
        await pilot.press("question_mark")
        assert await picture_of(pilot) == picture


async def test_the_verdict_of_a_walk(app: FtuiApp, picture: SnapshotAssertion) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await picture_of(pilot)
        for _ in range(6):
            await pilot.press("enter")
            await pilot.pause()
        await until(pilot, lambda: bool(app.screen.query(Static)))
        assert await picture_of(pilot) == picture
