"""The base of the dialogs."""

from __future__ import annotations

from typing import TypeVar

from textual.reactive import Reactive
from textual.screen import ModalScreen
from textual.widget import Widget

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A dialog that moves its focus without repainting the whole screen: SSH carries each cell."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
