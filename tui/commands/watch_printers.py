"""The output formats of `ftui watch`: JSON Lines, lines of text, one updating line."""

from __future__ import annotations

import sys
from typing import Protocol

from tui.commands.console.output import emit, print_message, show
from tui.commands.console.status_line import StatusLine
from tui.domain.jobs.descriptions import (
    clock_time,
    describe_connection,
    figures_line,
    live_line,
    title_line,
)
from tui.domain.jobs.health import HealthNote
from tui.domain.jobs.records import Record
from tui.domain.text import loss
from tui.services.watching.watch import Connection, JobUpdate


class Printer(Protocol):
    """Prints the updates of a watched job."""

    def update(self, update: JobUpdate, now: float) -> None:
        """Print an update."""

    def note(self, note: HealthNote) -> None:
        """Print a health note."""

    def tick(self, now: float) -> None:
        """A second has passed."""

    def end(self) -> None:
        """Nothing more will come; may be called twice."""


class JsonPrinter:
    """Each record as one JSON object on a line; connection errors go to standard error."""

    def __init__(self) -> None:
        self._disconnected = False

    def update(self, update: JobUpdate, now: float) -> None:
        """Print the records, and each loss and return of the connection once."""
        for record in update.records:
            self.record(record)
        if bool(update.connection.error) is not self._disconnected:
            self._disconnected = not self._disconnected
            print_message(f"ftui: {_connection_change(update.connection, now)}")

    def record(self, record: Record) -> None:
        """Print one record."""
        emit(record)

    def note(self, note: HealthNote) -> None:
        """Print nothing: the records hold the figures."""

    def tick(self, now: float) -> None:
        """Print nothing."""

    def end(self) -> None:
        """Nothing to close."""


class LinePrinter(JsonPrinter):
    """Each record as a line of text: for a file, or a terminal without escape sequences."""

    def __init__(self) -> None:
        super().__init__()
        self._formatter = _RecordFormatter()

    def record(self, record: Record) -> None:
        """Print one record."""
        if line := self._formatter.format(record):
            show(line)

    def note(self, note: HealthNote) -> None:
        """Print the note with its rule."""
        show(_note_line(note))


class LivePrinter:
    """Events as lines, and below them the figures in one line that is overwritten."""

    def __init__(self) -> None:
        self._line = StatusLine(sys.stdout)
        self._formatter = _RecordFormatter()
        self._update: JobUpdate | None = None

    def update(self, update: JobUpdate, now: float) -> None:
        """Print what happened, and the current figures."""
        for record in update.records:
            if record["type"] != "metrics" and (line := self._formatter.format(record)):
                self._line.print_above(line)
        self._update = update
        self.tick(now)

    def note(self, note: HealthNote) -> None:
        """Print the note with its rule."""
        self._line.print_above(_note_line(note))

    def tick(self, now: float) -> None:
        """Update the times shown."""
        if self._update is None:
            return
        view, connection = self._update.view, self._update.connection
        if view.status == "unknown" and not connection.error:
            return  # nothing is recorded, and the server has not answered yet
        if view.terminal:
            self._line.show(f"{title_line(view)}  {figures_line(view)}")
        else:
            self._line.show(live_line(view, _describe(connection, now), now))

    def end(self) -> None:
        """Leave the last figures on the terminal."""
        self._line.leave()


class _RecordFormatter:
    """Formats records as lines of text; a status that reads like the one before has none."""

    def __init__(self) -> None:
        self._status: tuple[object, ...] = ()

    def format(self, record: Record) -> str:
        """The line; empty where there is nothing new to print."""
        if record["type"] == "status":
            before = self._status
            self._status = tuple(record.get(n) for n in ("status", "error", "fine_tuned_model"))
            if before == self._status:
                return ""
        return record_line(record)


def record_line(record: Record) -> str:
    """A record as a line of text: time, and what happened."""
    at = clock_time(record["at"])
    match record["type"]:
        case "status":
            detail = record.get("error") or record.get("fine_tuned_model") or ""
            return f"{at}  {record['status'].replace('_', ' ')}  {detail}".rstrip()
        case "metrics":
            figures = [
                f"{name} {loss(value) if isinstance(value, float) else value}"
                for name in ("train_loss", "valid_loss", "full_valid_loss")
                if (value := record.get(name)) is not None
            ]
            total = record.get("total_steps")
            step = f"step {record.get('step')}" + (f"/{total}" if total else "")
            return "  ".join([at, step, *figures])
        case "checkpoint":
            return f"{at}  checkpoint at step {record.get('step') or '?'}  {record.get('name')}"
    return f"{at}  {record.get('message', '')}"


def _note_line(note: HealthNote) -> str:
    return f"{note.tone.glyph} {note.text} (Rule: {note.rule})"


def _describe(connection: Connection, now: float) -> str:
    return describe_connection(
        now,
        updated_at=connection.updated_at,
        offline_since=connection.offline_since,
        next_retry_at=connection.next_retry_at,
    )


def _connection_change(connection: Connection, now: float) -> str:
    if connection.error is None:
        return "The server answers again."
    return f"{connection.error} ({_describe(connection, now)})"
