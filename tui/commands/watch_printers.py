"""The forms in which `ftui watch` tells what is seen: JSON Lines, lines of text, one live line."""

from __future__ import annotations

import sys
from typing import Protocol

from tui.commands.console.output import emit, show, tell
from tui.commands.console.status_line import LiveLine
from tui.domain.jobs.descriptions import (
    clock_time,
    contact_words,
    figures_line,
    live_line,
    title_line,
)
from tui.domain.jobs.health import HealthNote
from tui.domain.jobs.records import Record
from tui.domain.text import loss
from tui.services.watching.watch import Contact, Seen


class Printer(Protocol):
    """Where the looks at a job go."""

    def look(self, seen: Seen, now: float) -> None:
        """Tell what a look brought."""

    def note(self, note: HealthNote) -> None:
        """Tell something of the run's health."""

    def tick(self, now: float) -> None:
        """A second has passed."""

    def end(self) -> None:
        """Nothing more comes; may be said twice."""


class JsonPrinter:
    """Each record as it comes, one JSON object a line; trouble goes to standard error."""

    def __init__(self) -> None:
        self._troubled = False

    def look(self, seen: Seen, now: float) -> None:
        """Print the records, and each trouble once."""
        for record in seen.records:
            self.record(record)
        if bool(seen.contact.trouble) is not self._troubled:
            self._troubled = not self._troubled
            tell(f"ftui: {_trouble(seen.contact, now)}")

    def record(self, record: Record) -> None:
        """Print one record."""
        emit(record)

    def note(self, note: HealthNote) -> None:
        """Nothing: the records say it all."""

    def tick(self, now: float) -> None:
        """Nothing moves by itself."""

    def end(self) -> None:
        """Nothing is open."""


class LinePrinter(JsonPrinter):
    """Each record as a line of text: for a file, or a terminal that knows no escape sequences."""

    def __init__(self) -> None:
        super().__init__()
        self._sentences = _Sentences()

    def record(self, record: Record) -> None:
        """Print one record."""
        if text := self._sentences.of(record):
            show(text)

    def note(self, note: HealthNote) -> None:
        """Print what is seen, and by which rule."""
        show(_note(note))


class LivePrinter:
    """What happens as lines, and below them the figures in one line that is written over."""

    def __init__(self) -> None:
        self._line = LiveLine(sys.stdout)
        self._sentences = _Sentences()
        self._seen: Seen | None = None

    def look(self, seen: Seen, now: float) -> None:
        """Print what happened, and the figures as they are now."""
        for record in seen.records:
            if record["type"] != "metrics" and (text := self._sentences.of(record)):
                self._line.say_above(text)
        self._seen = seen
        self.tick(now)

    def note(self, note: HealthNote) -> None:
        """Print what is seen, and by which rule."""
        self._line.say_above(_note(note))

    def tick(self, now: float) -> None:
        """Move the times on."""
        if self._seen is None:
            return
        view, contact = self._seen.view, self._seen.contact
        if view.status == "unknown" and not contact.trouble:
            return  # nothing is recorded, and the server was not asked yet
        if view.terminal:
            self._line.show(f"{title_line(view)}  {figures_line(view)}")
        else:
            self._line.show(live_line(view, _contact(contact, now), now))

    def end(self) -> None:
        """Leave the last figures standing."""
        self._line.leave()


class _Sentences:
    """Records as lines of text; a status that a person reads as the one before says nothing."""

    def __init__(self) -> None:
        self._status: tuple[object, ...] = ()

    def of(self, record: Record) -> str:
        """The line; empty where there is nothing to say."""
        if record["type"] == "status":
            before = self._status
            self._status = tuple(record.get(n) for n in ("status", "error", "fine_tuned_model"))
            if before == self._status:
                return ""
        return line_of(record)


def line_of(record: Record) -> str:
    """A record as a line of text: time, and what happened."""
    at = clock_time(record["at"])
    match record["type"]:
        case "status":
            more = record.get("error") or record.get("fine_tuned_model") or ""
            return f"{at}  {record['status'].replace('_', ' ')}  {more}".rstrip()
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


def _note(note: HealthNote) -> str:
    return f"{note.tone.glyph} {note.words} (Rule: {note.rule})"


def _contact(contact: Contact, now: float) -> str:
    return contact_words(
        now,
        updated_at=contact.updated_at,
        offline_since=contact.offline_since,
        next_try_at=contact.next_try_at,
    )


def _trouble(contact: Contact, now: float) -> str:
    if contact.trouble is None:
        return "The server answers again."
    return f"{contact.trouble} ({_contact(contact, now)})"
