"""The problems of one row, each with its fix."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.domain.rows.problems import Problem
from tui.domain.text import number, preview, scrub
from tui.widgets.line_pane import LinePane
from tui.widgets.tones import TONE_COLOURS, severity_tone

_MAX_PROBLEMS = 20


class ProblemList(LinePane, can_focus=False):
    """The problems of the selected row; its height is fixed, so the table above stays still."""

    DEFAULT_CSS = """
    ProblemList { height: 4; padding: 0 1; border-top: solid $panel; overflow-y: hidden; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.content = Content("")

    def show(self, line: int, problems: Sequence[Problem], edit: str = "") -> None:
        """Show the problems of a row, errors first.

        Args:
            line: number of its line.
            problems: of the row.
            edit: description of its edit; empty if there is none.
        """
        lines = [problem_line(problem) for problem in problems[:_MAX_PROBLEMS]]
        if not lines:
            lines = [Content.assemble(f"line {line} ", Content("✓ ok").stylize("$text-success"))]
        if len(problems) > 1:
            lines[0] = Content.assemble(f"1 of {number(len(problems))}: ", lines[0])
        if edit:
            lines.insert(0, Content(scrub(edit)))
        self._show(Content("\n").join(lines))

    def clear(self, message: str = "") -> None:
        """Show a message in place of a row."""
        self._show(Content(message))

    def lay_out(self, width: int) -> Sequence[Content]:
        """The problems, wrapped."""
        return self.content.wrap(width)

    def _show(self, content: Content) -> None:
        self.content = content
        self.relayout()


def problem_line(problem: Problem) -> Content:
    """A problem as `line 2 ✗ no-assistant  ...  Fix: ...`."""
    tone = severity_tone(problem.severity)
    where = f"{problem.where}: " if problem.where else ""
    return Content.assemble(
        f"line {problem.line} " if problem.line else "file ",
        Content(f"{tone.glyph} {problem.code}").stylize(TONE_COLOURS[tone]),
        Content(f"  {preview(where + problem.message, 300)}"),
        Content(f" Fix: {problem.fix}").stylize("$text-muted"),
    )
