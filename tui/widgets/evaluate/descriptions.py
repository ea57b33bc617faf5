"""Descriptions of a comparison: its state for the loop bar, facts, fields."""

from __future__ import annotations

from textual.content import Content

from tui.domain.evaluation.comparison import Verdict, certainty_lines
from tui.domain.evaluation.records import Evaluation
from tui.domain.loop import NOT_COMPARED, StepState
from tui.domain.text import preview, scrub, signed
from tui.domain.tone import Tone
from tui.widgets.tones import TONE_COLOURS

_TONES = {
    Verdict.BETTER: Tone.GOOD,
    Verdict.WORSE: Tone.BAD,
    Verdict.UNCLEAR: Tone.WARNED,
    Verdict.NO_DIFFERENCE: Tone.NONE,
}
_SHORT = {Verdict.WORSE: "worse", Verdict.UNCLEAR: "unclear", Verdict.NO_DIFFERENCE: "the same"}


def comparison_state(record: Evaluation | None) -> StepState:
    """The state of the step after an evaluation: `+0.97 better`, `-0.20 worse`, `unclear`."""
    result = record.comparison if record else None
    if result is None:
        return NOT_COMPARED
    change = signed(result.difference.mean)
    word = _SHORT.get(result.verdict, result.verdict.value)
    short_text = change if result.verdict is Verdict.BETTER else word
    return StepState(_TONES[result.verdict], f"{change} {word}", short_text)


def verdict_sentence(record: Evaluation) -> Content:
    """The result as a sentence with its glyph, in the colour of its tone."""
    result = record.comparison
    if result is None:
        return Content("This comparison has no result.")
    tone = _TONES[result.verdict]
    return Content(f"{tone.glyph} {result.sentence}").stylize(TONE_COLOURS[tone])


def facts(record: Evaluation) -> Content:
    """Scorer, both means with their intervals, the models, how firm the result is, the method."""
    result = record.comparison
    if result is None:
        return Content("")
    base, tuned = result.base, result.tuned
    means = Content(
        f"{record.scorer}   base {base.mean:.2f} ({base.low:.2f} to {base.high:.2f})   "
        f"tuned {tuned.mean:.2f} ({tuned.low:.2f} to {tuned.high:.2f})   n = {result.n}"
    )
    names = Content(f"base {preview(record.base, 60)}   tuned {preview(record.tuned, 60)}")
    method = (
        f"{result.method}, p = {result.p_value:.2g}   "
        f"{record.started_at.astimezone():%Y-%m-%d %H:%M}   {preview(record.test)}"
    )
    certainty = " · ".join(certainty_lines(result))
    lines = [means, names, Content(certainty), Content(method).stylize("dim")]
    return Content("\n").join(line for line in lines if line.plain)


def fields_line(record: Evaluation) -> str:
    """The share of each JSON field that is right: `Fields   category 0.10→0.90   order ...`."""
    result = record.comparison
    if result is None or not result.fields:
        return ""
    shares = (
        f"{preview(name, 24)} {base:.2f}→{tuned:.2f}"
        for name, (base, tuned) in result.fields.items()
    )
    return scrub("Fields   " + "   ".join(shares))
