"""Write what is good into new files: where, with which system prompt, split how, leaving out what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui.domain.examples import Format

if TYPE_CHECKING:
    from tui.services.writing import WriteRequest


class Counted(Protocol):
    """How many rows a file holds, pending changes applied; `Dataset.counts()` is one."""

    @property
    def rows(self) -> int:
        """All rows of the file."""

    @property
    def valid(self) -> int:
        """Rows without errors that are not excluded: those that can be written."""

    @property
    def invalid(self) -> int:
        """Rows with errors."""

    @property
    def excluded(self) -> int:
        """Rows that a person left out."""


class WriteFile(ModalScreen["WriteRequest | None"]):
    """Asks what to write; gives the request, or None. The write button is always in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("ctrl+s", "write", "Write"),
    ]

    def __init__(
        self,
        source: Path,
        kind: Format,
        counts: Counted,
        quality: Mapping[str, int],
        out: Path,
        request: WriteRequest | None = None,
    ) -> None:
        """Offer to write.

        Args:
            source: the file that is open; it stays as it is.
            kind: its format.
            counts: how many of its rows are good.
            quality: rows with each warning, by code; any of them can be left out.
            out: the name that is offered.
            request: what was asked for before and could not be written, to be changed.
        """
        super().__init__()
        self._source = source
        self._kind = kind
        self._counts = counts
        self._quality = quality
        self._out = out
        self._request = request
