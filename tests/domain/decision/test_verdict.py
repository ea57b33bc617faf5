"""The verdict on fine-tuning: what the answers lead to, the reasons, and what would change it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tui.domain.decision.framework import Answer, Effect, Framework
from tui.domain.decision.verdict import (
    Answers,
    Change,
    Decision,
    Strength,
    Verdict,
    decide,
    question_keys,
)
from tui.domain.decision.walk import Walk

FILE = Path(__file__).parents[3] / "sample_data" / "decision_framework.yaml"
FRAMEWORK = Framework.model_validate(yaml.safe_load(FILE.read_text()))

SEED = """
fine_tuning_good_reasons:
  style_consistency:
    description: "Match specific writing style or tone"
    example: "Brand voice across all outputs"
    alternative: "Few-shot prompting often sufficient"
fine_tuning_bad_reasons:
  adding_knowledge:
    problem: "Fine-tuning doesn't reliably add facts"
    solution: "Use RAG instead"
fine_tuning_decision:
  step_1:
    question: "Have you tried the best base model?"
    if_no: "Try GPT-4o, Claude 3.5, etc. first"
  step_2:
    question: "Have you optimized your prompt?"
    if_no: "Iterate on prompts with examples"
  step_3:
    question: "Would RAG solve the problem?"
    if_yes: "RAG is usually easier and more flexible"
  step_4:
    question: "Is this high-volume, narrow use case?"
    if_yes: "Fine-tuning may be justified"
  step_5:
    question: "Do you have quality training data?"
    if_no: "Fine-tuning quality depends on data quality"
"""
PLAIN = Framework.model_validate(yaml.safe_load(SEED))

ALL_IN_FAVOUR = {
    "step_1": Answer.YES,
    "step_2": Answer.YES,
    "step_3": Answer.NO,
    "step_4": Answer.YES,
    "step_5": Answer.YES,
}


def answers_of(reason: str | None = "format_reliability", **steps: str) -> Answers:
    changed = {key: Answer(answer) for key, answer in steps.items()}
    return Answers(reason=reason, steps={**ALL_IN_FAVOUR, **changed})


def verdict_of(reason: str | None = "format_reliability", **steps: str) -> tuple[str, str]:
    decision = decide(FRAMEWORK, answers_of(reason, **steps))
    return decision.verdict.value, decision.strength.value


any_answers = st.builds(
    Answers,
    reason=st.sampled_from(
        [None, "unsure", *FRAMEWORK.good_reasons, *FRAMEWORK.bad_reasons],
    ),
    steps=st.dictionaries(st.sampled_from(list(FRAMEWORK.steps)), st.sampled_from(list(Answer))),
)


def test_all_answers_in_favour_and_a_good_reason_give_a_strong_yes() -> None:
    decision = decide(FRAMEWORK, answers_of())
    assert (decision.verdict, decision.strength) == (Verdict.FINE_TUNE, Strength.STRONG)
    assert decision.go_to == "data"
    assert "ftui check" in decision.next


@pytest.mark.parametrize("reason", list(FRAMEWORK.bad_reasons))
def test_a_bad_reason_leads_to_its_solution(reason: str) -> None:
    decision = decide(FRAMEWORK, answers_of(reason))
    assert decision.verdict is Verdict.DO_NOT
    assert FRAMEWORK.bad_reasons[reason].solution in decision.next
    assert FRAMEWORK.bad_reasons[reason].problem in decision.reasons[0]


@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("step_1", "no", ("not yet", "moderate")),
        ("step_2", "no", ("not yet", "moderate")),
        ("step_3", "yes", ("do not fine-tune", "moderate")),
        ("step_4", "no", ("fine-tune", "moderate")),
        ("step_5", "no", ("not yet", "moderate")),
        ("step_3", "unsure", ("not yet", "weak")),
        ("step_4", "unsure", ("fine-tune", "moderate")),
    ],
)
def test_one_unfavourable_answer_changes_the_verdict(
    step: str, answer: str, expected: tuple[str, str]
) -> None:
    assert verdict_of(**{step: answer}) == expected


def test_two_unfavourable_answers_give_a_stronger_verdict_than_one() -> None:
    assert verdict_of(step_1="no", step_5="no") == ("not yet", "strong")
    assert verdict_of("adding_knowledge", step_3="yes") == ("do not fine-tune", "strong")


def test_efficiency_at_scale_needs_a_high_volume() -> None:
    assert verdict_of("efficiency_at_scale", step_4="no")[0] == "do not fine-tune"
    assert verdict_of("efficiency_at_scale", step_4="unsure") == ("not yet", "weak")
    assert verdict_of("efficiency_at_scale") == ("fine-tune", "strong")


def test_missing_data_sends_to_the_data_screen() -> None:
    decision = decide(FRAMEWORK, answers_of(step_5="no"))
    assert decision.go_to == "data"
    assert "Fine-tuning quality depends on data quality" in decision.next


def test_without_answers_the_verdict_is_not_yet_and_counts_the_open_questions() -> None:
    decision = decide(FRAMEWORK, Answers())
    assert (decision.verdict, decision.strength) == (Verdict.NOT_YET, Strength.WEAK)
    assert decision.reasons == ["6 of 6 questions are open."]
    assert decision.open == 6


@given(any_answers)
def test_any_answers_give_a_verdict_with_reasons_and_a_next_step(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    assert decision.reasons
    assert decision.next
    assert decision.decisive
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


@given(any_answers)
def test_not_sure_never_gives_a_strong_yes(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    unsure = answers.reason == "unsure" or Answer.UNSURE in answers.steps.values()
    strong_yes = (Verdict.FINE_TUNE, Strength.STRONG)
    assert not (unsure and (decision.verdict, decision.strength) == strong_yes)


@given(any_answers)
def test_each_listed_change_changes_the_verdict(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    assert decision.would_change
    for change in decision.would_change:
        changed = decide(FRAMEWORK, answers.with_all(change.answers))
        assert changed.verdict is change.verdict
        assert changed.verdict is not decision.verdict
        assert change.verdict.value in change.text


@given(any_answers)
def test_the_first_listed_change_leads_to_fine_tuning(answers: Answers) -> None:
    decision = decide(FRAMEWORK, answers)
    if decision.verdict is not Verdict.FINE_TUNE:
        first: Change = decision.would_change[0]
        assert first.verdict is Verdict.FINE_TUNE
        for key in first.answers:
            fewer = {name: value for name, value in first.answers.items() if name != key}
            assert decide(FRAMEWORK, answers.with_all(fewer)).verdict is not Verdict.FINE_TUNE


@given(any_answers)
def test_every_answer_is_among_the_reasons(answers: Answers) -> None:
    text = " ".join(decide(FRAMEWORK, answers).reasons)
    for key in answers.steps:
        assert FRAMEWORK.steps[key].question in text


def test_a_framework_with_only_the_required_keys_gives_the_same_verdicts() -> None:
    for key, step in PLAIN.steps.items():
        assert step.favours is FRAMEWORK.steps[key].favours
        assert step.effect is FRAMEWORK.steps[key].effect
    assert PLAIN.steps["step_3"].effect is Effect.DO_NOT
    assert PLAIN.steps["step_4"].effect is Effect.WEAKER


def test_a_framework_may_consist_of_questions_only() -> None:
    framework = Framework.model_validate(
        {"fine_tuning_decision": {"step_1": {"question": "Is it raining?", "if_yes": "Stay in"}}}
    )
    assert question_keys(framework) == ["step_1"]
    assert decide(framework, Answers(steps={"step_1": Answer.NO})).verdict is Verdict.FINE_TUNE
    assert decide(framework, Answers(steps={"step_1": Answer.YES})).verdict is Verdict.DO_NOT


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"fine_tuning_decision": {}},
        {"fine_tuning_decision": {"step_1": {"question": "Why?"}}},
        {"fine_tuning_decision": {"reason": {"question": "Why?", "if_no": "Stop"}}},
        {
            "fine_tuning_decision": {"step_1": {"question": "Why?", "if_no": "Stop"}},
            "fine_tuning_bad_reasons": {"hype": {"problem": "None", "solution": "None"}},
        },
        {
            "fine_tuning_decision": {"step_1": {"question": "Why?", "if_no": "Stop"}},
            "fine_tuning_good_reasons": {"scale": {"description": "Big", "needs": ["step_9"]}},
        },
    ],
)
def test_an_unusable_framework_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Framework.model_validate(content)


def test_unquoted_yaml_booleans_are_read_as_yes_and_no() -> None:
    text = "fine_tuning_decision: {step_1: {question: Is it wet, if_yes: Wait, speaks_for: no}}"
    step = Framework.model_validate(yaml.safe_load(text)).steps["step_1"]
    assert step.favours is Answer.NO


def test_the_built_in_framework_has_every_reason_question_and_takeaway() -> None:
    assert len(FRAMEWORK.good_reasons) == 4
    assert len(FRAMEWORK.bad_reasons) == 4
    assert len(FRAMEWORK.steps) == 5
    assert len(FRAMEWORK.takeaways) == 8
    for key, step in PLAIN.steps.items():
        assert FRAMEWORK.steps[key].question == step.question
        assert (FRAMEWORK.steps[key].if_yes, FRAMEWORK.steps[key].if_no) == (
            step.if_yes,
            step.if_no,
        )


def test_a_walk_asks_for_the_reason_and_then_each_question_once() -> None:
    walk = Walk.begin(FRAMEWORK)
    keys = []
    while walk.open:
        keys.append(walk.here)
        walk = walk.take("style_consistency" if walk.here == "reason" else "yes")
    assert keys == ["reason", "step_1", "step_2", "step_3", "step_4", "step_5"]


def test_a_changed_answer_reopens_no_other_question() -> None:
    walk = Walk.begin(FRAMEWORK, answers_of())
    changed = walk.at("step_3").take("yes")
    assert changed.open == []
    assert changed.decision.verdict is Verdict.DO_NOT
    half = Walk.begin(FRAMEWORK).take("style_consistency").take("yes").back().take("no")
    assert half.here == "step_2"
    assert half.answers.steps == {"step_1": Answer.NO}
