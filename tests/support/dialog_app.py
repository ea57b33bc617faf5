"""An app that shows one dialog and keeps its answers."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.cells import cell_len
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

import tui

SIZES = [(80, 24), (120, 40)]
Answer = TypeVar("Answer")
_TEXT = re.compile(r'<text class="[^"]*-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')
_CELL = 12.2
"""Width of a cell in a screenshot."""


class DialogApp(App[None], Generic[Answer]):
    """Pushes the dialog at once, with the style sheet of the real app."""

    CSS_PATH = Path(tui.__file__).with_name("app.tcss")

    def __init__(self, dialog: Screen[Answer]) -> None:
        super().__init__()
        self.dialog = dialog
        self.answers: list[Answer | None] = []

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.push_screen(self.dialog, self.answers.append)

    @property
    def open(self) -> bool:
        """Whether the dialog is still open."""
        return self.screen is self.dialog

    def static_text(self, selector: str) -> str:
        """The text of a Static of the dialog."""
        return str(self.dialog.query_one(selector, Static).render())

    def screen_text(self) -> str:
        """Everything on the screen, line by line."""
        lines: dict[float, str] = {}
        for x, y, text in _TEXT.findall(self.export_screenshot().partition("</defs>")[2]):
            begin = round(float(x) / _CELL)
            words = html.unescape(text).replace("\xa0", " ")
            line = lines.get(float(y), "")
            lines[float(y)] = line + " " * (begin - cell_len(line)) + words
        return "\n".join(line.rstrip() for _, line in sorted(lines.items()))


@asynccontextmanager
async def showing(
    dialog: Screen[Any], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[DialogApp[Any], Pilot[None]]]:
    """The dialog in an app of that size; a context manager of the app and its pilot."""
    app: DialogApp[Any] = DialogApp(dialog)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def outside(app: App[Any]) -> list[Widget]:
    """Widgets of the dialog that are cut off by the edges of the screen or of their parent."""
    widgets = []
    for widget in app.screen.query("Button, Input, Static, Label"):
        geometry = app.screen.find_widget(widget)
        if geometry.visible_region != geometry.region:
            widgets.append(widget)
    return widgets
