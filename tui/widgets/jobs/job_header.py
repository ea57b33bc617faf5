"""The status lines of a job, each repainted on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.domain.jobs.descriptions import figures_line, progress_line
from tui.domain.jobs.health import HealthNote
from tui.domain.jobs.view import JobView
from tui.domain.submission.prices import Price
from tui.domain.tone import Tone
from tui.widgets.live_line import LiveLine

NOTES = 3
"""Health notes shown at most; the most severe come first."""


class JobHeader(Vertical):
    """Progress, freshness, last metrics and health notes of a job."""

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
        """Create an empty header.

        Args:
            prices: what training costs, by model.
        """
        super().__init__()
        self._prices = prices

    def compose(self) -> ComposeResult:
        """Two status lines, and lines for notes."""
        with Horizontal():
            yield LiveLine(id="job-progress")
            yield LiveLine(id="job-contact")
        yield LiveLine(id="job-figures")
        for index in range(NOTES):
            yield LiveLine(id=f"job-note-{index}", classes="note")

    def show(self, view: JobView, notes: Sequence[HealthNote], now: float) -> None:
        """Show a job.

        Args:
            view: the job.
            notes: of its health, the most severe first.
            now: Unix seconds.
        """
        self.query_one("#job-progress", LiveLine).show(
            progress_line(view, now, ranged=True), progress_line(view, now)
        )
        self.query_one("#job-figures", LiveLine).show(
            figures_line(view, self._prices), figures_line(view, self._prices, brief=True)
        )
        for index in range(NOTES):
            line = self.query_one(f"#job-note-{index}", LiveLine)
            _show_note(line, notes[index] if index < len(notes) else None)

    def show_connection(self, text: str, *, trouble: bool) -> None:
        """Show how fresh the figures are."""
        line = self.query_one("#job-contact", LiveLine)
        line.set_class(trouble, "-trouble")
        line.show(text)


def _show_note(line: LiveLine, note: HealthNote | None) -> None:
    """Show a note, or hide its line; only where needed, as a layout repaints the screen."""
    if line.display != (note is not None):
        line.display = note is not None
    if note is None:
        return
    line.set_class(note.tone is Tone.WARNED, "-warned")
    line.set_class(note.tone is Tone.BAD, "-bad")
    text = f"{note.tone.glyph} {note.text}"
    line.show(f"{text} Rule: {note.rule}", f"{text} (i: why)", text)
