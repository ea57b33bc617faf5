"""Shared by tests of screens: wait until one is loaded, read its texts."""

from __future__ import annotations

from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

ScreenType = TypeVar("ScreenType", bound=Screen[Any])


async def loaded(pilot: Pilot[None], kind: type[ScreenType]) -> ScreenType:
    """The current screen, once its workers have finished."""
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, kind)
    await screen.workers.wait_for_complete()
    await pilot.pause()
    return screen


def text(screen: Screen[Any], selector: str) -> str:
    """The text of a Static of the screen."""
    return str(screen.query_one(selector, Static).render())
