"""The verdict on whether to fine-tune, from the answers to a framework's questions.

The rules, in order of precedence:

1. A bad reason, or an answer whose `otherwise` is "do not fine-tune": do not fine-tune.
2. An answer whose `otherwise` is "not yet": not yet.
3. A question that is open or answered with "not sure": not yet (weak), test it first.
4. Otherwise fine-tune; strong if every answer favours it, one step weaker for each that does not.

"Do not" and "not yet" are strong where two or more answers lead there, moderate where one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.decision.framework import Answer, BadReason, Effect, Framework, GoodReason, Step

REASON = "reason"
"""Key of the opening question about the reason."""


class Verdict(StrEnum):
    """The outcome of the decision."""

    FINE_TUNE = "fine-tune"
    DO_NOT = "do not fine-tune"
    NOT_YET = "not yet"


class Strength(StrEnum):
    """How firmly the answers support the verdict."""

    STRONG = "strong"
    MODERATE = "moderate"
    WEAK = "weak"


class Answers(BaseModel):
    """The answers so far; absent keys are open questions.

    Attributes:
        reason: key of a good or bad reason, or "unsure".
        steps: step key -> answer.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    reason: str | None = None
    steps: dict[str, Answer] = Field(default_factory=dict)

    def of(self, key: str) -> str | None:
        """The answer to one question; None while it is open."""
        return self.reason if key == REASON else self.steps.get(key)

    def with_answer(self, key: str, answer: str) -> Answers:
        """A copy with one answer added or changed."""
        if key == REASON:
            return Answers(reason=answer, steps=self.steps)
        return Answers(reason=self.reason, steps={**self.steps, key: Answer(answer)})

    def with_all(self, changes: Mapping[str, str]) -> Answers:
        """A copy with several answers added or changed."""
        changed = self
        for key, answer in changes.items():
            changed = changed.with_answer(key, answer)
        return changed

    def known_to(self, framework: Framework) -> Answers:
        """The answers to questions that the framework has."""
        reasons = {*framework.good_reasons, *framework.bad_reasons, Answer.UNSURE}
        steps = {key: answer for key, answer in self.steps.items() if key in framework.steps}
        return Answers(reason=self.reason if self.reason in reasons else None, steps=steps)


class Change(BaseModel):
    """Other answers that would lead to another verdict."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    answers: dict[str, str]
    verdict: Verdict
    text: str


class Decision(BaseModel):
    """The verdict on a set of answers.

    Attributes:
        reasons: sentences, each with the answer it rests on; never empty.
        would_change: changes that would lead to another verdict.
        next: what to do next, and with which command.
        decisive: keys of the questions that led to the verdict, most important first.
        go_to: name of the screen where the next step is done; None where it is outside ftui.
        open: number of questions without an answer.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    verdict: Verdict
    strength: Strength
    reasons: list[str]
    would_change: list[Change]
    next: str
    decisive: list[str]
    go_to: str | None = None
    open: int = 0


class _Leads(StrEnum):
    FOR = "for"
    STOP = "stop"
    LATER = "later"
    WEAKER = "weaker"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Finding:
    """The effect of one answer, with a sentence and a remedy."""

    key: str
    leads: _Leads
    text: str
    remedy: str
    open: bool = False


_LEADS = {
    Effect.DO_NOT: _Leads.STOP,
    Effect.NOT_YET: _Leads.LATER,
    Effect.WEAKER: _Leads.WEAKER,
}

_KEEP_PROMPTING = "Keep prompting; decide again when this answer changes."


def decide(framework: Framework, answers: Answers) -> Decision:
    """The verdict on the answers given so far, with what would change it and the next step."""
    findings = _findings(framework, answers)
    verdict, strength, decisive = _judge(findings)
    return Decision(
        verdict=verdict,
        strength=strength,
        reasons=_reasons(findings, decisive),
        would_change=_changes(framework, answers, verdict),
        next=_next(framework, answers, verdict, decisive),
        decisive=[finding.key for finding in decisive],
        go_to=_go_to(framework, verdict, decisive),
        open=sum(finding.open for finding in findings),
    )


def question_text(framework: Framework, key: str) -> str:
    """The text of one question."""
    return framework.opening if key == REASON else framework.steps[key].question


def question_keys(framework: Framework) -> list[str]:
    """The keys of the questions in order: the reason, if the framework has any, and the steps."""
    has_reasons = framework.good_reasons or framework.bad_reasons
    return [*([REASON] if has_reasons else []), *framework.steps]


def _findings(framework: Framework, answers: Answers) -> list[_Finding]:
    needed = _needed(framework, answers)
    return [
        _reason_finding(framework, answers.reason)
        if key == REASON
        else _step_finding(key, framework.steps[key], answers.steps.get(key), key in needed)
        for key in question_keys(framework)
    ]


def _needed(framework: Framework, answers: Answers) -> list[str]:
    reason = framework.good_reasons.get(answers.reason or "")
    return reason.needs if reason else []


def _reason_finding(framework: Framework, answer: str | None) -> _Finding:
    reason: GoodReason | BadReason | None = framework.good_reasons.get(answer or "")
    if isinstance(reason, GoodReason):
        text = f"Reason {_readable_key(answer)}: {_sentence(reason.description)}"
        return _Finding(REASON, _Leads.FOR, f"{text} {reason.caution}".strip(), "")
    reason = framework.bad_reasons.get(answer or "")
    if isinstance(reason, BadReason):
        text = f"Reason {_readable_key(answer)}: {_sentence(reason.problem)}"
        return _Finding(REASON, _Leads.STOP, text, _sentence(reason.solution))
    remedy = "Name what must improve and how you would measure it."
    if answer is None:
        return _Finding(REASON, _Leads.UNKNOWN, "No reason is given.", remedy, open=True)
    return _Finding(REASON, _Leads.UNKNOWN, "Not sure why to fine-tune.", remedy)


def _step_finding(key: str, step: Step, answer: Answer | None, needed: bool) -> _Finding:
    if answer is None:
        text = f"{step.question} Not answered."
        return _Finding(key, _Leads.UNKNOWN, text, "Answer it.", open=True)
    if answer is Answer.UNSURE:
        # Unless the reason needs it, doubt about a minor point only weakens the verdict.
        minor = step.effect is Effect.WEAKER and not needed
        leads = _Leads.WEAKER if minor else _Leads.UNKNOWN
        test = step.test or f"Find out: {step.question}"
        return _Finding(key, leads, f"{step.question} Not sure.", _sentence(test))
    advice = _sentence(step.advice(answer))
    text = f"{step.question} {answer.capitalize()}. {advice}".strip()
    if answer is step.favours:
        return _Finding(key, _Leads.FOR, text, "")
    leads = _LEADS[step.effect]
    if needed and leads is _Leads.WEAKER:
        leads, text = _Leads.STOP, f"{text} The reason does not hold without it."
    return _Finding(key, leads, text, advice)


def _judge(findings: list[_Finding]) -> tuple[Verdict, Strength, list[_Finding]]:
    stops = [finding for finding in findings if finding.leads is _Leads.STOP]
    later = [finding for finding in findings if finding.leads is _Leads.LATER]
    unknown = [finding for finding in findings if finding.leads is _Leads.UNKNOWN]
    if stops or later:
        strength = Strength.STRONG if len(stops) + len(later) > 1 else Strength.MODERATE
        return (Verdict.DO_NOT if stops else Verdict.NOT_YET), strength, [*stops, *later]
    if unknown:
        return Verdict.NOT_YET, Strength.WEAK, sorted(unknown, key=lambda finding: finding.open)
    weaker = sum(finding.leads is _Leads.WEAKER for finding in findings)
    strength = list(Strength)[min(weaker, 2)]
    return Verdict.FINE_TUNE, strength, findings


def _reasons(findings: list[_Finding], decisive: list[_Finding]) -> list[str]:
    """The decisive answers first, then the others; open questions as one sentence."""
    ordered = [*decisive, *(finding for finding in findings if finding not in decisive)]
    sentences = [finding.text for finding in ordered if not finding.open]
    count = sum(finding.open for finding in findings)
    if count:
        sentences.append(
            f"{count} of {len(findings)} questions {'is' if count == 1 else 'are'} open."
        )
    return sentences


def _changes(framework: Framework, answers: Answers, verdict: Verdict) -> list[Change]:
    single = [
        change
        for key in question_keys(framework)
        for option in _other_answers(framework, answers, key)
        if (change := _change(framework, answers, {key: option}, verdict))
    ]
    if verdict is Verdict.FINE_TUNE:
        return single
    towards = [change for change in single if change.verdict is Verdict.FINE_TUNE]
    if not towards:
        in_favour = _in_favour(framework, answers)
        together = _change(framework, answers, in_favour, verdict)
        towards = [together] if together else []
    return [*towards, *(change for change in single if change not in towards)]


def _change(
    framework: Framework, answers: Answers, changes: dict[str, str], verdict: Verdict
) -> Change | None:
    outcome, _, _ = _judge(_findings(framework, answers.with_all(changes)))
    if outcome is verdict:
        return None
    changed = ", ".join(_describe_answer(framework, key, answer) for key, answer in changes.items())
    return Change(answers=changes, verdict=outcome, text=f"{changed}: {outcome.value}")


def _other_answers(framework: Framework, answers: Answers, key: str) -> list[str]:
    """The other answers to a question; of the reasons only the first good and bad one."""
    if key == REASON:
        kinds = (framework.good_reasons, framework.bad_reasons)
        return [next(iter(kind)) for kind in kinds if kind and answers.reason not in kind]
    return [answer for answer in (Answer.YES, Answer.NO) if answers.of(key) != answer]


def _in_favour(framework: Framework, answers: Answers) -> dict[str, str]:
    """A minimal set of changes that leads to fine-tuning."""
    changes: dict[str, str] = {
        key: step.favours
        for key, step in framework.steps.items()
        if answers.steps.get(key) is not step.favours
    }
    if framework.good_reasons and answers.reason not in framework.good_reasons:
        changes = {REASON: next(iter(framework.good_reasons)), **changes}
    for key in list(changes):
        fewer = {other: answer for other, answer in changes.items() if other != key}
        verdict, _, _ = _judge(_findings(framework, answers.with_all(fewer)))
        if verdict is Verdict.FINE_TUNE:
            changes = fewer
    return changes


def _describe_answer(framework: Framework, key: str, answer: str) -> str:
    if key == REASON:
        good = answer in framework.good_reasons
        kind = "a good reason" if good else "a bad reason"
        return f"{kind}, such as {_readable_key(answer)}"
    step = framework.steps[key]
    return f"{answer} to {step.label}" if step.label else f"{answer} to “{step.question}”"


def _next(
    framework: Framework, answers: Answers, verdict: Verdict, decisive: list[_Finding]
) -> str:
    if verdict is Verdict.FINE_TUNE:
        return (
            "Prepare and check the training data, with a held-out test set: "
            "screen Data (2), or ftui check FILE."
        )
    first = decisive[0]
    if first.open:
        question = question_text(framework, first.key)
        return f"Answer the open questions, first: {question}"
    sentences = [first.remedy] if first.remedy else [_KEEP_PROMPTING]
    if _go_to(framework, verdict, decisive):
        sentences.append("See what the data lacks: screen Data (2), or ftui check FILE.")
    step = framework.steps.get(first.key)
    if step and step.test and answers.of(first.key) != Answer.UNSURE:
        sentences.append(f"Test it: {_sentence(step.test)}")
    return " ".join(sentences)


def _go_to(framework: Framework, verdict: Verdict, decisive: list[_Finding]) -> str | None:
    if verdict is Verdict.FINE_TUNE:
        return "data"
    first = framework.steps.get(decisive[0].key)
    answered = not decisive[0].open
    return first.go_to if first and answered else None


def _readable_key(key: str | None) -> str:
    return (key or "").replace("_", " ")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."
