"""One case: prompt, expected answer, and both answers side by side or stacked."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.domain.evaluation.records import CaseResult, Reply
from tui.domain.text import number, scrub

LONGEST = 8_000
"""Characters shown of one text; the rest is counted."""


class AnswerDiff(VerticalScroll, can_focus=True):
    """Both answers to one case, stacked; the screen's styles put them side by side."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="case.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="case.down"),
        Binding("g,home", "scroll_home", "Top", show=False, id="case.home"),
        Binding("G,end", "scroll_end", "End", show=False, id="case.end"),
    ]
    DEFAULT_CSS = """
    AnswerDiff { padding: 0 1; }
    AnswerDiff Static { width: 1fr; height: auto; margin-bottom: 1; }
    AnswerDiff Horizontal { height: auto; layout: vertical; }
    """

    def compose(self) -> ComposeResult:
        """Expected answer, both answers, prompt."""
        yield Static(id="answer-expected", markup=False)
        with Horizontal():
            yield Static(id="answer-base", markup=False)
            yield Static(id="answer-tuned", markup=False)
        yield Static(id="answer-prompt", markup=False)

    def show(self, result: CaseResult) -> None:
        """Show one case."""
        for name, content in (
            ("expected", _titled("expected", result.expected)),
            ("base", _answer("base", result.base)),
            ("tuned", _answer("tuned", result.tuned)),
            ("prompt", _titled(f"prompt (line {result.line} of the test set)", result.prompt)),
        ):
            self.query_one(f"#answer-{name}", Static).update(content)
        self.scroll_home(animate=False)


def _answer(title: str, reply: Reply) -> Content:
    if reply.score is None:
        return _titled(f"{title}  ! not answered", reply.error)
    score = reply.score
    heading = f"{title}  {score.value:.2f}  {scrub(score.explanation)}"
    tokens = f", {number(reply.tokens)} tokens" if reply.tokens is not None else ""
    cut = ", cut off at the token limit" if reply.cut else ""
    shown = _titled(heading, reply.text or "(empty)")
    cost = Content(f"{reply.seconds:.1f} s{tokens}{cut}").stylize("dim")
    return Content("\n").join([shown, cost])


def _titled(title: str, text: str) -> Content:
    beyond = len(text) - LONGEST
    shown = scrub(text[:LONGEST], lines=True)
    if beyond > 0:
        shown += f"\n… {number(beyond)} more characters"
    return Content("\n").join([Content(title).stylize("bold"), Content(shown)])
