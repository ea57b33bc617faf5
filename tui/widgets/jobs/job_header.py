"""The figures of a job in single lines, each repainted alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.domain.jobs.descriptions import figures_line, progress_line
from tui.domain.jobs.health import HealthNote
from tui.domain.jobs.view import JobView
from tui.domain.loop import Tone
from tui.domain.submission.prices import Price
from tui.widgets.live_line import LiveLine

NOTES = 3
"""Health notes that are shown at the most; the gravest come first."""


class JobHeader(Vertical):
    """How far the job is and how fresh that is, its last figures, what should be seen of it."""

    DEFAULT_CSS = """
    JobHeader { height: auto; padding: 0 1; }
    JobHeader Horizontal { height: 1; }
    JobHeader #job-progress { width: 1fr; }
    JobHeader #job-contact { width: 19; text-align: right; color: $text-muted; }
    JobHeader #job-contact.-trouble { width: 44; color: $text-warning; }
    JobHeader .note { display: none; }
    JobHeader .note.-warned { color: $text-warning; }
    JobHeader .note.-bad { color: $text-error; }
    """

    def __init__(self, prices: Mapping[str, Price]) -> None:
        """Make an empty header.

        Args:
            prices: what training costs, by model.
        """
        super().__init__()
        self._prices = prices

    def compose(self) -> ComposeResult:
        """Two lines of figures, and lines for notes."""
        with Horizontal():
            yield LiveLine(id="job-progress")
            yield LiveLine(id="job-contact")
        yield LiveLine(id="job-figures")
        for place in range(NOTES):
            yield LiveLine(id=f"job-note-{place}", classes="note")

    def show(self, view: JobView, notes: Sequence[HealthNote], now: float) -> None:
        """Show how the job stands.

        Args:
            view: the job.
            notes: of its health, the gravest first.
            now: Unix seconds for which times are told.
        """
        self.query_one("#job-progress", LiveLine).show(
            progress_line(view, now, ranged=True), progress_line(view, now)
        )
        self.query_one("#job-figures", LiveLine).show(
            figures_line(view, self._prices), figures_line(view, self._prices, brief=True)
        )
        for place in range(NOTES):
            line = self.query_one(f"#job-note-{place}", LiveLine)
            _show_note(line, notes[place] if place < len(notes) else None)

    def say_contact(self, words: str, *, trouble: bool) -> None:
        """Say how fresh what is shown is."""
        line = self.query_one("#job-contact", LiveLine)
        line.set_class(trouble, "-trouble")
        line.show(words)


def _show_note(line: LiveLine, note: HealthNote | None) -> None:
    """A note in its line; a layout repaints the screen, so there is none while the notes stay."""
    if line.display != (note is not None):
        line.display = note is not None
    if note is None:
        return
    line.set_class(note.tone is Tone.WARNED, "-warned")
    line.set_class(note.tone is Tone.BAD, "-bad")
    said = f"{note.tone.glyph} {note.text}"
    line.show(f"{said} Rule: {note.rule}", f"{said} (i: why)", said)
