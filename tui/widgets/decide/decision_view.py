"""The parts of the Decide screen: the choices, the answers so far, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.domain.decision.framework import Answer, Framework
from tui.domain.decision.verdict import REASON, Answers, Decision, Strength, Verdict
from tui.domain.decision.walk import Walk
from tui.domain.text import scrub
from tui.domain.tone import Tone
from tui.widgets.tones import TONE_COLOURS

TONES = {Verdict.FINE_TUNE: Tone.GOOD, Verdict.DO_NOT: Tone.BAD, Verdict.NOT_YET: Tone.WARNED}
"""What each verdict means for the loop."""

_LABELS = {Answer.YES: "yes", Answer.NO: "no", Answer.UNSURE: "not sure"}


class Choices(OptionList):
    """The answers to one question."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Answer", id="choices.answer"),
        Binding("up,k", "cursor_up", "Up", show=False, id="choices.up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="choices.down"),
        Binding("g,home", "first", "First", show=False, id="choices.first"),
        Binding("G,end", "last", "Last", show=False, id="choices.last"),
    ]

    DEFAULT_CSS = """
    Choices { height: auto; max-height: 1fr; border: none; background: transparent; padding: 0; }
    Choices:focus { border: none; background-tint: transparent 0%; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._labels: dict[str, str] = {}
        self._answer: str | None = None

    def show(self, framework: Framework, key: str, answer: str | None) -> None:
        """Show the answers to a question; the cursor starts on the current one."""
        self.clear_options()
        self._labels = dict(_options(framework, key))
        self._answer = answer
        values = list(self._labels)
        cursor = answer if answer in values else values[0]
        self.add_options(Option(self._prompt(value, cursor), id=value) for value in values)
        self.highlighted = values.index(cursor)

    def _prompt(self, value: str, cursor: str | None) -> Content:
        """An answer with `▸` at the cursor, and `●` before the current one."""
        pointer = "▸" if value == cursor else " "
        bullet = "●" if value == self._answer else " "
        return Content(f"{pointer}{bullet} {scrub(self._labels[value])}")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Move the pointer, so that the cursor is visible without colours."""
        for option in self.options:
            if option.id:
                prompt = self._prompt(option.id, event.option_id)
                if option.prompt != prompt:
                    self.replace_option_prompt(option.id, prompt)


def _options(framework: Framework, key: str) -> Iterable[tuple[str, str]]:
    if key == REASON:
        for name, good in framework.good_reasons.items():
            yield name, f"{_title(name)}: {good.description}"
        for name in framework.bad_reasons:
            yield name, _title(name)
        yield Answer.UNSURE, "Not sure, or none of these"
        return
    step = framework.steps[key]
    yield Answer.YES, f"Yes, {step.yes_means}" if step.yes_means else "Yes"
    yield Answer.NO, f"No, {step.no_means}" if step.no_means else "No"
    yield Answer.UNSURE, "Not sure: test it first" if step.test else "Not sure"


def about_choice(framework: Framework, key: str, value: str) -> Content:
    """What one answer means: an example and what may do instead, or the framework's advice."""
    if key != REASON:
        return _pairs([("Advice", framework.steps[key].advice(Answer(value)))])
    good = framework.good_reasons.get(value)
    if good:
        return _pairs(
            [
                ("Example", good.example),
                ("Alternative", good.alternative),
                ("When", good.when),
                ("Test it", good.test),
            ]
        )
    bad = framework.bad_reasons.get(value)
    if bad:
        return _pairs(
            [("Problem", bad.problem), ("Instead", bad.solution), ("Example", bad.example)]
        )
    return _pairs([("Advice", "Name what has to improve, and how you would measure it.")])


def about_question(framework: Framework, key: str) -> Content:
    """Why a question is asked, and how to test it."""
    if key == REASON:
        return Content(scrub(framework.introduction)).stylize("dim")
    step = framework.steps[key]
    return _pairs([("Why we ask", step.why), ("Test it", step.test)])


def verdict_line(decision: Decision) -> Content:
    """The verdict with its glyph: `✓ Fine-tune (strong)`."""
    tone = TONES[decision.verdict]
    text = f"{tone.glyph} {decision.verdict.value.capitalize()} ({decision.strength.value})"
    return Content(text).stylize(f"bold {TONE_COLOURS[tone]}")


class SoFar(Static):
    """Every question with its answer, and where the answers lean."""

    def show(self, walk: Walk) -> None:
        """Show the answers as a list."""
        decision = walk.decision
        undecided = decision.open and decision.strength is Strength.WEAK
        because = decision.reasons[-1 if undecided else 0]
        lines = [Content("So far").stylize("bold")]
        for key in walk.keys:
            name, answer = _name(walk.framework, key), _answer(walk.answers, key)
            if key == walk.here:
                lines.append(Content(f"▸ {name:<18} {answer or 'you are here'}").stylize("bold"))
            else:
                lines.append(Content(f"  {name:<18} {answer or '–'}"))
        lines += [
            Content(""),
            Content("Leaning").stylize("bold"),
            Content.assemble("  ", verdict_line(decision)),
            Content(f"  {scrub(because)}").stylize("dim"),
            Content(""),
            Content("Would change it").stylize("bold"),
            *(Content(f"  {scrub(change.text)}") for change in decision.would_change[:4]),
        ]
        self.update(Content("\n").join(lines))


class Leaning(Static):
    """The same in three lines, for a terminal of 80 columns."""

    def show(self, walk: Walk) -> None:
        """Show the answers, where they lean, and what would change the verdict."""
        answers = " · ".join(
            f"{'▸' * (key == walk.here)}{_short(walk, key)} {_answer(walk.answers, key) or '–'}"
            for key in walk.keys
        )
        changes = [change.text for change in walk.decision.would_change]
        lines = [
            _row("So far", Content(answers)),
            _row("Leaning", verdict_line(walk.decision)),
            _row("Change", Content(scrub(changes[0] if changes else "nothing would change it"))),
        ]
        self.update(Content("\n").join(lines))


class VerdictPage(VerticalScroll, can_focus=True):
    """The verdict: next step, reasons, what would change it, and what to keep in mind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.go_on", "Continue", id="verdict.go_on"),
        Binding("up,k", "scroll_up", "Up", show=False, id="verdict.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="verdict.down"),
        Binding("g,home", "scroll_home", "First", show=False, id="verdict.home"),
        Binding("G,end", "scroll_end", "Last", show=False, id="verdict.end"),
    ]

    def show(self, walk: Walk, saved: str, keys: str) -> None:
        """Show the verdict.

        Args:
            walk: the answers with their verdict.
            saved: whether and when it was saved.
            keys: what the keys do here.
        """
        decision, framework = walk.decision, walk.framework
        sections = [
            ("Next", [decision.next, keys]),
            ("Because", decision.reasons),
            ("Would change it", [change.text for change in decision.would_change]),
            ("Keep in mind", [*framework.takeaways, framework.motto]),
        ]
        lines = [Content(saved).stylize("dim")]
        for title, texts in sections:
            lines += [
                Content(""),
                Content(title).stylize("bold"),
                *(Content(f"  {scrub(text)}") for text in texts if text),
            ]
        self.query_one(Static).update(Content("\n").join(lines))
        self.scroll_home(animate=False)


def _pairs(pairs: list[tuple[str, str]]) -> Content:
    return Content("\n").join(_row(name, Content(scrub(text))) for name, text in pairs if text)


def _row(name: str, content: Content) -> Content:
    return Content.assemble((f"{name:<12}", "dim"), content)


def _name(framework: Framework, key: str) -> str:
    if key == REASON:
        return "why"
    number = list(framework.steps).index(key) + 1
    return f"{number} {scrub(framework.steps[key].label or key.replace('_', ' '))}"[:18]


def _short(walk: Walk, key: str) -> str:
    return "why" if key == REASON else str(list(walk.framework.steps).index(key) + 1)


def _answer(answers: Answers, key: str) -> str:
    answer = answers.of(key)
    if answer is None:
        return ""
    if answer in set(Answer):
        return _LABELS[Answer(answer)]
    return scrub(answer.replace("_", " "))


def _title(name: str) -> str:
    spaced = name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]
