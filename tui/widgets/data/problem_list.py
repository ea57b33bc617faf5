"""The problems of one row, each with its fix."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.domain.rows.problems import Problem
from tui.domain.text import number, preview, scrub
from tui.widgets.line_pane import LinePane
from tui.widgets.tones import TONE_COLOURS, severity_tone

_MOST = 20


class ProblemList(LinePane, can_focus=False):
    """What is wrong with the selected row, always in as many lines: a table above stays still."""

    DEFAULT_CSS = """
    ProblemList { height: 4; padding: 0 1; border-top: solid $panel; overflow-y: hidden; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.content = Content("")

    def show(self, line: int, problems: Sequence[Problem], done: str = "") -> None:
        """Show the problems of a row, errors first.

        Args:
            line: number of its line.
            problems: of the row.
            done: what a person did to the row, as a line; empty where nothing.
        """
        lines = [problem_line(one) for one in problems[:_MOST]]
        if not lines:
            lines = [Content.assemble(f"line {line} ", Content("✓ ok").stylize("$text-success"))]
        if len(problems) > 1:
            lines[0] = Content.assemble(f"1 of {number(len(problems))}: ", lines[0])
        if done:
            lines.insert(0, Content(scrub(done)))
        self._put(Content("\n").join(lines))

    def clear(self, sentence: str = "") -> None:
        """Show no row, but a sentence."""
        self._put(Content(sentence))

    def lay_out(self, width: int) -> Sequence[Content]:
        """The problems, wrapped."""
        return self.content.wrap(width)

    def _put(self, content: Content) -> None:
        self.content = content
        self.relayout()


def problem_line(one: Problem) -> Content:
    """A problem as `line 2 ✗ no-assistant  ...  Fix: ...`."""
    tone = severity_tone(one.severity)
    where = f"{one.where}: " if one.where else ""
    return Content.assemble(
        f"line {one.line} " if one.line else "file ",
        Content(f"{tone.glyph} {one.code}").stylize(TONE_COLOURS[tone]),
        Content(f"  {preview(where + one.message, 300)}"),
        Content(f" Fix: {one.fix}").stylize("$text-muted"),
    )
