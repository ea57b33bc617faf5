"""What all dialogs share."""

from __future__ import annotations

from typing import TypeVar

from textual.reactive import Reactive
from textual.screen import ModalScreen
from textual.widget import Widget

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A dialog whose focus moves without a repaint of the whole screen: SSH carries each cell."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
