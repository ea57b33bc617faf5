"""Shared by tests of the Data screen: open it, wait for it, read its texts."""

from __future__ import annotations

from pathlib import Path

from support.screens import text
from support.waiting import until
from textual.pilot import Pilot

from tui.app import FtuiApp
from tui.screens.data.screen import DataScreen
from tui.services.container import Services
from tui.services.samples import sample_path
from tui.settings import Settings
from tui.widgets.data.problem_list import ProblemList
from tui.widgets.data.row_view import ChatView
from tui.widgets.line_table import LineTable


def app_on(settings: Settings, name: str | Path | None) -> FtuiApp:
    """The app on a file, or on a sample file by name."""
    file = sample_path(name) if isinstance(name, str) else name
    return FtuiApp(Services(settings), file)


async def settled(pilot: Pilot[None]) -> DataScreen:
    """Wait until the file is open, checked and drawn, or its failure shown."""

    def is_settled() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, DataScreen):
            return False
        nodes = (screen, screen.browser)
        busy = any(worker.is_running and worker.node in nodes for worker in screen.workers)
        return not busy and not text(screen, "#headline").startswith("Opening")

    await until(pilot, is_settled)
    await pilot.pause(0.05)
    screen = pilot.app.screen
    assert isinstance(screen, DataScreen)
    return screen


async def opened(pilot: Pilot[None]) -> DataScreen:
    """Wait until a file is checked."""
    screen = await settled(pilot)
    await until(
        pilot, lambda: screen.has_class("-file") and "so far" not in text(screen, "#headline")
    )
    return await settled(pilot)


def headline(screen: DataScreen) -> str:
    """The sentence at the top."""
    return text(screen, "#headline")


def rows_shown(screen: DataScreen) -> list[str]:
    """The lines of the table."""
    table = screen.query_one(LineTable)
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def chat_text(screen: DataScreen) -> str:
    """The details of the row."""
    return screen.query_one(ChatView).content.plain


def problems(screen: DataScreen) -> str:
    """The problems of the row under the cursor."""
    return screen.query_one(ProblemList).content.plain
