"""One case: what was asked, what is expected, and both answers beside or below each other."""

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
"""Characters of one text that are shown; what is beyond is counted."""


class AnswerDiff(VerticalScroll, can_focus=True):
    """Both answers to one case, below each other; the screen lays them out beside each other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("g,home", "scroll_home", "Top", show=False),
        Binding("G,end", "scroll_end", "End", show=False),
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
            ("prompt", _titled(f"asked (line {result.line} of the test set)", result.prompt)),
        ):
            self.query_one(f"#answer-{name}", Static).update(content)
        self.scroll_home(animate=False)


def _answer(title: str, reply: Reply) -> Content:
    if reply.score is None:
        return _titled(f"{title}  ! not answered", reply.error)
    score = reply.score
    told = f"{title}  {score.value:.2f}  {scrub(score.explanation)}"
    tokens = f", {number(reply.tokens)} tokens" if reply.tokens is not None else ""
    cut = ", cut off at the limit of tokens" if reply.cut else ""
    shown = _titled(told, reply.text or "(nothing)")
    cost = Content(f"{reply.seconds:.1f} s{tokens}{cut}").stylize("dim")
    return Content("\n").join([shown, cost])


def _titled(title: str, text: str) -> Content:
    beyond = len(text) - LONGEST
    shown = scrub(text[:LONGEST], lines=True)
    if beyond > 0:
        shown += f"\n… {number(beyond)} characters more"
    return Content("\n").join([Content(title).stylize("bold"), Content(shown)])
